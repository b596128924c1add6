"""How a creation stands, in words for whoever asked for it. Pure: plain values in, words out."""

from dataclasses import dataclass

from core.line.waiting import Wait
from core.models import State
from gallery import labels
from gallery.shown import CreationShown

DONE: dict[str, str] = {
    "hide": "hidden now. Only you see {them}.",
    "unhide": "not hidden any more.",
    "sensitive": "marked as sensitive and {hang} behind a veil.",
    "unsensitive": "not marked as sensitive any more.",
    "delete": "deleted. Where the bot answered on X, the answer goes within minutes.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`kind` names the badge: waiting, painting, wall, hidden, refused, held."""

    kind: str
    words: str
    detail: str = ""


def standing(creation: CreationShown, wait: Wait | None = None) -> Standing:
    """The badge of a creation and what there is to say of it."""
    if creation.state is State.QUEUED:
        return Standing("waiting", "Waiting", _waiting(creation, wait))
    if creation.state is State.PAINTING:
        return Standing("painting", "Being painted now", _stays_hidden(creation))
    if creation.state in {State.REFUSED, State.FAILED}:
        words = "Not painted" if creation.state is State.REFUSED else "Could not be painted"
        return Standing("refused", words, creation.reason or "")
    if creation.hidden_at:
        return Standing("hidden", "Hidden", "Only you see it.")
    if creation.hangs:
        return Standing("wall", "On the wall", _on_x(creation))
    return Standing("held", "Not on the wall", "It was painted, but it is not shown in public.")


def told(do: str, count: int) -> str:
    """What was done with how many pictures, in one sentence."""
    if do not in DONE:
        return ""
    if count == 0:
        return "Nothing had to be changed."
    one = count == 1
    begin = "1 picture is " if one else f"{count:,} pictures are "
    return begin + DONE[do].format(them="it" if one else "them", hang="hangs" if one else "hang")


def _waiting(creation: CreationShown, wait: Wait | None) -> str:
    if wait is not None:
        words = labels.until_painted(wait)
    elif creation.attempts:
        words = "The painter did not answer yet; it is tried again by itself."
    else:
        words = ""
    return f"{words} {_stays_hidden(creation)}".strip()


def _stays_hidden(creation: CreationShown) -> str:
    return "It will stay hidden." if creation.hidden_at else ""


def _on_x(creation: CreationShown) -> str:
    if creation.reply_outcome == "answered":
        return "Answered on X."
    if creation.reply_outcome:
        return f"Gallery only: {creation.reason}"
    if creation.awaits_answer:
        return "The answer on X is still to come."
    return ""
