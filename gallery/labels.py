"""The words on the labels: plain values in, text out. Knows no template, no SQL and no HTTP."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from core.line.waiting import MOST_COUNTED, Wait, about
from core.models import State
from core.refusals import in_words

SKETCH = "sketch"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def medium(model: str | None) -> str:
    """What it was painted with, as a label names it."""
    if model == SKETCH:
        return "Sketch engine"
    return model or "Unknown painter"


def hour(moment: datetime) -> str:
    """`20 Nov 2026, 09:47 UTC`."""
    moment = _utc(moment)
    # Quicker than `%b`, and the same whatever language the machine speaks.
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, {moment.hour:02}:{moment.minute:02} UTC"


def day(moment: datetime) -> str:
    """`20 November 2026`."""
    moment = _utc(moment)
    return f"{moment.day} {moment:%B %Y}"


def iso(moment: datetime) -> str:
    """ISO 8601 with a Z, for `<time>` and JSON."""
    return f"{_utc(moment).replace(tzinfo=None).isoformat()}Z"


def _utc(moment: datetime) -> datetime:
    """What comes from the database is in UTC already."""
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def seconds(value: float) -> str:
    """How long it took, no more exact than anybody cares."""
    if value < 0.1:
        return "under 0.1 seconds"
    return f"{value:.1f} seconds" if value < 10 else f"{value:,.0f} seconds"


def counted(number: int, limit: int, *, one: str, many: str) -> str:
    """`1 picture`, `12 pictures`, `more than 1,000 pictures`."""
    if number > limit:
        return f"more than {limit:,} {many}"
    return f"{number:,} {one if number == 1 else many}"


def liked_words(likes: int) -> str:
    """`1 like`, `1,200 likes`, or that there is none."""
    return _many(likes, "like") if likes else "No likes yet"


def comments_words(comments: int) -> str:
    """`1 comment`, `12 comments`; only what they are where there is none."""
    return _many(comments, "comment") if comments else "Comments"


def followers_words(followers: int) -> str:
    """`1 follower`, `12 followers`."""
    return _many(followers, "follower")


def likes_received(likes: int) -> str:
    """`1 like received`."""
    return f"{_many(likes, 'like')} received"


def _many(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"


def reason(state: State, code: str | None, reply_outcome: str | None) -> str | None:
    """Why there is no picture, or no answer on X, in plain words; None where nothing is to be explained."""
    if state in {State.REFUSED, State.FAILED}:
        return in_words(code or "unexpected")
    if reply_outcome and reply_outcome != "answered":
        return in_words(reply_outcome)
    return None


def shortfall(read: int | None, in_all: int | None, held_back: int, count: int) -> list[str]:
    """What of a wish was not done: words that the painter did not read, pictures that its check held back."""
    told = []
    if read is not None and in_all is not None and 0 <= read < in_all:
        share = max(1, round(100 * read / in_all))
        told.append(f"This prompt is longer than the painter reads: it saw about the first {share} % of it.")
    if held_back > 0:
        told.append(f"The painter's safety check held back {held_back} of {count} pictures.")
    return told


# By the field of the order that it was.
NOT_HEEDED = {
    "negative_prompt": "This painter does not look at what a picture shall be without.",
    "aspect_ratio": "This painter knows no such shape and chose its own.",
    "steps": "This painter chose the number of steps itself.",
    "strength": "This painter chose itself how far to go from the picture it began from.",
    "seeds": "Not all of its pictures came out.",
}


def not_heeded(fields: Iterable[str]) -> list[str]:
    """What of a wish the painter did not look at. Fields that nobody wished anything of are no matter."""
    return [NOT_HEEDED[field] for field in fields if field in NOT_HEEDED]


CORRECTED = {
    "ar": "“--ar{written}” is not an available aspect ratio: the nearest is {taken}.",
    "n": "“--n{written}”: a post gets 1 to 4 pictures, so this one got {taken}.",
    "steps": "“--steps{written}” became {taken}, the nearest that is allowed.",
    "picture": "Picture {written} was asked for. There are {taken}: the last was taken.",
}


def corrected_options(corrections: str | None) -> list[str]:
    """The options of a post that were not taken as written, a sentence each. `corrections`: JSON of the column."""
    items = json.loads(corrections) if corrections else []
    return list(dict.fromkeys(_corrected(*item) for item in items))


def _corrected(name: str, written: str, taken: str) -> str:
    given = written if name == "picture" else f" {written}".rstrip()
    if taken and name in CORRECTED:
        return CORRECTED[name].format(written=given, taken=taken)
    if name == "?":
        return "An option that the bot does not know was left out."
    return f"The option “--{name}{given}” was left out: the bot does not know it, or not with this value."


def steps(painted: int | None, heeded: int | None, wished: int | None) -> str:
    """`8`, or `8 (50 were wished)`; empty where it is not known. `heeded`: what was wished, as far as it was heeded."""
    if painted is None:
        return "" if heeded is None else str(heeded)
    return str(painted) if wished in (None, painted) else f"{painted} ({wished} were wished)"


def until_painted(wait: Wait) -> str:
    """`12 before you, about 40 seconds.`"""
    before = f"{_number(wait.ahead).capitalize()} before you" if wait.ahead else "Next in line"
    if wait.why:
        return f"{before}. It has to wait: {wait.why}."
    return f"{before}, {about(wait.seconds)}." if wait.seconds is not None else f"{before}."


def until_answered(wait: Wait) -> str:
    """`The answer on X goes out in about 12 min; 310 are before it.`"""
    before = f"{_number(wait.ahead)} {'is' if wait.ahead == 1 else 'are'} before it." if wait.ahead else ""
    if wait.why:
        return f"The answer on X has to wait: {wait.why}. {before}".rstrip()
    when = f" in {about(wait.seconds)}" if wait.seconds is not None else ""
    return f"The answer on X goes out{when}; {before}" if before else f"The answer on X goes out{when}."


def _number(ahead: int) -> str:
    return f"more than {MOST_COUNTED:,}" if ahead > MOST_COUNTED else f"{ahead:,}"
