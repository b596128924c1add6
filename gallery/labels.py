"""The words on the labels: plain values in, text out. Knows no template, no SQL and no HTTP."""

from datetime import UTC, datetime

from core.models import State
from core.refusals import in_words

SKETCH = "sketch"


def medium(model: str | None) -> str:
    """What it was painted with, as a label names it."""
    if model == SKETCH:
        return "Sketch engine"
    return model or "Unknown painter"


def hour(moment: datetime) -> str:
    """`20 Nov 2026, 09:47 UTC`."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def day(moment: datetime) -> str:
    """`20 November 2026`."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y}"


def iso(moment: datetime) -> str:
    """ISO 8601 with a Z, for `<time>` and JSON."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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


def reason(state: State, code: str | None, reply_outcome: str | None) -> str | None:
    """Why there is no picture, or no answer on X, in plain words; None where nothing is to be explained."""
    if state in {State.REFUSED, State.FAILED}:
        return in_words(code or "unexpected")
    if reply_outcome and reply_outcome != "answered":
        return in_words(reply_outcome)
    return None
