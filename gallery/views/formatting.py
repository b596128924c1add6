"""Format values as the text that pages show."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from babel import dates

from core.models import State
from core.reason_codes import message_for
from core.scheduling.eta import Eta
from core.text import mark
from gallery.translations import ENGLISH, current_language, format_number, format_short, gettext, ngettext

SKETCH = "sketch"
# Of a queue. Beyond this, pages say "more than".
MAX_COUNTED = 999
# Of all remixes below a creation.
MAX_COUNTED_REMIXES = 1000
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def model_label(model: str | None) -> str:
    """Return the name of the model as pages show it."""
    if model == SKETCH:
        return gettext("Sketch")
    return model or gettext("Unknown model")


def format_datetime(moment: datetime) -> str:
    """Return `20 Nov 2026, 09:47 UTC`."""
    moment = _utc(moment)
    return f"{format_day(moment)}, {moment.hour:02}:{moment.minute:02} UTC"


def format_date(moment: datetime) -> str:
    """Return `20 November 2026`."""
    moment = _utc(moment)
    if (language := current_language()) != ENGLISH:
        return dates.format_date(moment, "long", locale=language)
    return f"{moment.day} {moment:%B %Y}"


def format_day(moment: datetime) -> str:
    """Return `20 Nov 2026`. A script replaces it by `5 min ago`."""
    moment = _utc(moment)
    if (language := current_language()) != ENGLISH:
        return dates.format_date(moment, "medium", locale=language)
    # Faster than Babel and `%b`.
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def format_iso(moment: datetime) -> str:
    """Return ISO 8601 with a Z, for `<time>` and JSON."""
    return f"{_utc(moment).replace(tzinfo=None).isoformat()}Z"


def _utc(moment: datetime) -> datetime:
    # Values from the database are in UTC already: skip the conversion.
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def format_seconds(value: float) -> str:
    """Return a duration, with one decimal below ten seconds."""
    if value < 0.1:
        return gettext("under 0.1 seconds")
    return gettext("%(number)s seconds", number=format_number(value, decimals=1 if value < 10 else 0))


def format_pictures(number: int, limit: int) -> str:
    """Return `1 picture`, `12 pictures`, or `more than 1,000 pictures` above the limit."""
    if number > limit:
        return gettext("more than %(num)s pictures", num=format_number(limit))
    return ngettext("%(num)s picture", "%(num)s pictures", number, num=format_number(number))


def format_prompts(number: int, limit: int) -> str:
    """Return `1 prompt`, `12 prompts`, or `more than 1,000 prompts` above the limit."""
    if number > limit:
        return gettext("more than %(num)s prompts", num=format_number(limit))
    return ngettext("%(num)s prompt", "%(num)s prompts", number, num=format_number(number))


def format_likes(likes: int) -> str:
    """Return `1 like`, `1.2K likes` or `No likes yet`."""
    return format_likes_received(likes) if likes else gettext("No likes yet")


def format_comments(comments: int) -> str:
    """Return `1 comment`, `12 comments`, or `Comments` for none."""
    if not comments:
        return gettext("Comments")
    return ngettext("%(num)s comment", "%(num)s comments", comments, num=format_short(comments))


def format_remixes(remixes: int) -> str:
    """Return `1 remix`, `12 remixes`, or `more than 1,000 remixes`."""
    if remixes > MAX_COUNTED_REMIXES:
        return gettext("more than %(num)s remixes", num=format_number(MAX_COUNTED_REMIXES))
    return ngettext("%(num)s remix", "%(num)s remixes", remixes, num=format_short(remixes))


def format_followers(followers: int) -> str:
    """Return `1 follower` or `12 followers`."""
    return ngettext("%(num)s follower", "%(num)s followers", followers, num=format_short(followers))


def format_likes_received(likes: int) -> str:
    """Return `1 like` or `12 likes`."""
    return ngettext("%(num)s like", "%(num)s likes", likes, num=format_short(likes))


def reason_text(state: State, code: str | None, reply_status: str | None) -> str | None:
    """Return why there is no picture or no reply on X; None if there is nothing to explain."""
    if state in {State.REFUSED, State.FAILED}:
        return reason_message(code or "unexpected")
    if reply_status and reply_status != "answered":
        return reason_message(reply_status)
    return None


def reason_message(code: str) -> str:
    """Return the sentence for a reason code in the current language."""
    return gettext(message_for(code))


def generation_warnings(tokens_used: int | None, tokens_total: int | None, held_back: int, count: int) -> list[str]:
    """Return a sentence if the prompt was truncated, and one if the safety check held back pictures."""
    warnings = []
    if tokens_used is not None and tokens_total is not None and 0 <= tokens_used < tokens_total:
        share = max(1, round(100 * tokens_used / tokens_total))
        text = gettext(
            "This prompt is longer than the model reads: it used about the first %(share)s %% of it.", share=share
        )
        warnings.append(text)
    if held_back > 0:
        warnings.append(gettext("The safety check held back %(held)s of %(num)s pictures.", held=held_back, num=count))
    return warnings


# By the name of the parameter.
IGNORED_OPTION_NOTES = {
    "negative_prompt": mark("This model ignores negative prompts."),
    "aspect_ratio": mark("This model can't do that aspect ratio, so it used another."),
    "steps": mark("This model chose the number of steps itself."),
    "strength": mark("This model chose itself how much to change the start image."),
    "seeds": mark("Some of the pictures could not be made."),
}


def ignored_option_notes(options: Iterable[str]) -> list[str]:
    """Return a sentence for each parameter that the model ignored. Unknown names are skipped."""
    return [gettext(IGNORED_OPTION_NOTES[option]) for option in options if option in IGNORED_OPTION_NOTES]


CORRECTION_NOTES = {
    "ar": mark("“--ar%(written)s” is not an available aspect ratio: the nearest is %(taken)s."),
    "n": mark("“--n%(written)s”: a post gets 1 to 4 pictures, so this one got %(taken)s."),
    "steps": mark("“--steps%(written)s” became %(taken)s, the nearest allowed value."),
    "picture": mark("You asked for picture %(written)s, but there are only %(taken)s: the last one was used."),
}


def option_correction_notes(corrections: str | None) -> list[str]:
    """Return a sentence for each option of a post that was changed. `corrections`: JSON of the column."""
    items = json.loads(corrections) if corrections else []
    return list(dict.fromkeys(_correction_note(*item) for item in items))


def _correction_note(name: str, written: str, taken: str) -> str:
    value = written if name == "picture" else f" {written}".rstrip()
    if taken and name in CORRECTION_NOTES:
        return gettext(CORRECTION_NOTES[name], written=value, taken=taken)
    if name == "?":
        return gettext("An unknown option was ignored.")
    return gettext("The option “--%(option)s” was ignored: the option or its value is unknown.", option=name + value)


def format_steps(used: int | None, accepted: int | None, requested: int | None) -> str:
    """Return `8` or `8 (you asked for 50)`; empty if unknown. `accepted`: what the model accepted of the request."""
    if used is None:
        return "" if accepted is None else str(accepted)
    if requested in (None, used):
        return str(used)
    return gettext("%(used)s (you asked for %(requested)s)", used=used, requested=requested)


def describe_queue_wait(wait: Eta) -> str:
    """Return `In the queue: 12 ahead of you, about 40 seconds.`"""
    position = _describe_position(wait.ahead)
    if wait.reason:
        return gettext("%(position)s. Delayed: %(reason)s.", position=position, reason=gettext(wait.reason))
    duration = describe_duration(wait)
    return gettext("%(position)s, %(duration)s.", position=position, duration=duration) if duration else f"{position}."


def describe_reply_wait(wait: Eta) -> str:
    """Return `Reply on X in about 12 min (310 ahead).`"""
    ahead = gettext(" (%(number)s ahead)", number=_format_ahead(wait.ahead)) if wait.ahead else ""
    if wait.reason:
        return gettext("Reply on X delayed: %(reason)s%(ahead)s.", reason=gettext(wait.reason), ahead=ahead)
    duration = describe_duration(wait)
    if not duration:
        return gettext("Reply on X pending%(ahead)s.", ahead=ahead)
    return gettext("Reply on X in %(duration)s%(ahead)s.", duration=duration, ahead=ahead)


def describe_duration(wait: Eta) -> str:
    """Return `about 40 seconds`; `more than 40 min` if not all that are ahead were counted; empty if unknown."""
    if wait.seconds is None:
        return ""
    if wait.ahead > MAX_COUNTED:
        return gettext("more than %(duration)s", duration=_duration(wait.seconds))
    if wait.seconds < 10:
        return gettext("a few seconds")
    return gettext("about %(duration)s", duration=_duration(wait.seconds))


def _duration(seconds: float) -> str:
    """Return `40 seconds`, `12 min`, `2 hours` or `3 days`: rounded, and never less than 5 seconds."""
    if seconds < 90:
        return gettext("%(num)s seconds", num=max(5, 5 * round(seconds / 5)))
    if seconds < 100 * 60:
        return gettext("%(num)s min", num=round(seconds / 60))
    if seconds < 36 * 3600:
        return gettext("%(num)s hours", num=round(seconds / 3600))
    return gettext("%(num)s days", num=round(seconds / 86400))


def _describe_position(ahead: int) -> str:
    if not ahead:
        return gettext("Next in the queue")
    return gettext("In the queue: %(number)s ahead of you", number=_format_ahead(ahead))


def _format_ahead(ahead: int) -> str:
    if ahead > MAX_COUNTED:
        return gettext("more than %(num)s", num=format_number(MAX_COUNTED))
    return format_number(ahead)
