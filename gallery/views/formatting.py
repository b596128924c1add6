"""Format values as the text that pages show."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from core.models import State
from core.reason_codes import message_for
from core.scheduling.eta import Eta, humanize_duration

SKETCH = "sketch"
# Of a queue. Beyond this, pages say "more than".
MAX_COUNTED = 999
# Of all remixes below a creation.
MAX_COUNTED_REMIXES = 1000
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def model_label(model: str | None) -> str:
    """Return the name of the model as pages show it."""
    if model == SKETCH:
        return "Sketch"
    return model or "Unknown model"


def format_datetime(moment: datetime) -> str:
    """Return `20 Nov 2026, 09:47 UTC`."""
    moment = _utc(moment)
    # Faster than `%b`, and independent of the locale.
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, {moment.hour:02}:{moment.minute:02} UTC"


def format_date(moment: datetime) -> str:
    """Return `20 November 2026`."""
    moment = _utc(moment)
    return f"{moment.day} {moment:%B %Y}"


def format_day(moment: datetime) -> str:
    """Return `20 Nov 2026`. A script replaces it by `5 min ago`."""
    moment = _utc(moment)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def format_iso(moment: datetime) -> str:
    """Return ISO 8601 with a Z, for `<time>` and JSON."""
    return f"{_utc(moment).isoformat().removesuffix('+00:00')}Z"


def _utc(moment: datetime) -> datetime:
    # Values from the database are in UTC already: skip the conversion.
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def format_seconds(value: float) -> str:
    """Return a duration, with one decimal below ten seconds."""
    if value < 0.1:
        return "under 0.1 seconds"
    return f"{value:.1f} seconds" if value < 10 else f"{value:,.0f} seconds"


def format_count(number: int, limit: int, *, singular: str, plural: str) -> str:
    """Return `1 picture`, `12 pictures`, or `more than 1,000 pictures` above the limit."""
    if number > limit:
        return f"more than {limit:,} {plural}"
    return f"{number:,} {singular if number == 1 else plural}"


def format_likes(likes: int) -> str:
    """Return `1 like`, `1,200 likes` or `No likes yet`."""
    return _pluralize(likes, "like") if likes else "No likes yet"


def format_comments(comments: int) -> str:
    """Return `1 comment`, `12 comments`, or `Comments` for none."""
    return _pluralize(comments, "comment") if comments else "Comments"


def format_remixes(remixes: int) -> str:
    """Return `1 remix`, `12 remixes`, or `more than 1,000 remixes`."""
    return format_count(remixes, MAX_COUNTED_REMIXES, singular="remix", plural="remixes")


def format_followers(followers: int) -> str:
    """Return `1 follower` or `12 followers`."""
    return _pluralize(followers, "follower")


def format_likes_received(likes: int) -> str:
    """Return `1 like` or `12 likes`."""
    return _pluralize(likes, "like")


def _pluralize(number: int, singular: str) -> str:
    return f"{number:,} {singular if number == 1 else singular + 's'}"


def reason_text(state: State, code: str | None, reply_status: str | None) -> str | None:
    """Return why there is no picture or no reply on X; None if there is nothing to explain."""
    if state in {State.REFUSED, State.FAILED}:
        return message_for(code or "unexpected")
    if reply_status and reply_status != "answered":
        return message_for(reply_status)
    return None


def generation_warnings(tokens_used: int | None, tokens_total: int | None, held_back: int, count: int) -> list[str]:
    """Return a sentence if the prompt was truncated, and one if the safety check held back pictures."""
    warnings = []
    if tokens_used is not None and tokens_total is not None and 0 <= tokens_used < tokens_total:
        share = max(1, round(100 * tokens_used / tokens_total))
        warnings.append(f"This prompt is longer than the model reads: it used about the first {share} % of it.")
    if held_back > 0:
        warnings.append(f"The safety check held back {held_back} of {count} pictures.")
    return warnings


# By the name of the parameter.
IGNORED_OPTION_NOTES = {
    "negative_prompt": "This model ignores negative prompts.",
    "aspect_ratio": "This model can't do that aspect ratio, so it used another.",
    "steps": "This model chose the number of steps itself.",
    "strength": "This model chose itself how much to change the start image.",
    "seeds": "Some of the pictures could not be made.",
}


def ignored_option_notes(options: Iterable[str]) -> list[str]:
    """Return a sentence for each parameter that the model ignored. Unknown names are skipped."""
    return [IGNORED_OPTION_NOTES[option] for option in options if option in IGNORED_OPTION_NOTES]


CORRECTION_NOTES = {
    "ar": "“--ar{written}” is not an available aspect ratio: the nearest is {taken}.",
    "n": "“--n{written}”: a post gets 1 to 4 pictures, so this one got {taken}.",
    "steps": "“--steps{written}” became {taken}, the nearest allowed value.",
    "picture": "You asked for picture {written}, but there are only {taken}: the last one was used.",
}


def option_correction_notes(corrections: str | None) -> list[str]:
    """Return a sentence for each option of a post that was changed. `corrections`: JSON of the column."""
    items = json.loads(corrections) if corrections else []
    return list(dict.fromkeys(_correction_note(*item) for item in items))


def _correction_note(name: str, written: str, taken: str) -> str:
    value = written if name == "picture" else f" {written}".rstrip()
    if taken and name in CORRECTION_NOTES:
        return CORRECTION_NOTES[name].format(written=value, taken=taken)
    if name == "?":
        return "An unknown option was ignored."
    return f"The option “--{name}{value}” was ignored: the option or its value is unknown."


def format_steps(used: int | None, accepted: int | None, requested: int | None) -> str:
    """Return `8` or `8 (you asked for 50)`; empty if unknown. `accepted`: what the model accepted of the request."""
    if used is None:
        return "" if accepted is None else str(accepted)
    return str(used) if requested in (None, used) else f"{used} (you asked for {requested})"


def describe_queue_wait(wait: Eta) -> str:
    """Return `In the queue: 12 ahead of you, about 40 seconds.`"""
    position = f"In the queue: {_format_ahead(wait.ahead)} ahead of you" if wait.ahead else "Next in the queue"
    if wait.reason:
        return f"{position}. Delayed: {wait.reason}."
    duration = describe_duration(wait)
    return f"{position}, {duration}." if duration else f"{position}."


def describe_reply_wait(wait: Eta) -> str:
    """Return `Reply on X in about 12 min (310 ahead).`"""
    ahead = f" ({_format_ahead(wait.ahead)} ahead)" if wait.ahead else ""
    if wait.reason:
        return f"Reply on X delayed: {wait.reason}{ahead}."
    duration = describe_duration(wait)
    return f"Reply on X in {duration}{ahead}." if duration else f"Reply on X pending{ahead}."


def describe_duration(wait: Eta) -> str:
    """Return `about 40 seconds`; `more than 40 min` if not all that are ahead were counted; empty if unknown."""
    if wait.seconds is None:
        return ""
    duration = humanize_duration(wait.seconds)
    return f"more than {duration.removeprefix('about ')}" if wait.ahead > MAX_COUNTED else duration


def _format_ahead(ahead: int) -> str:
    return f"more than {MAX_COUNTED:,}" if ahead > MAX_COUNTED else f"{ahead:,}"
