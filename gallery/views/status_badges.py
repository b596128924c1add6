"""Describe the status of a creation to its author. Pure functions of plain values."""

from dataclasses import dataclass

from core.models import State
from core.scheduling.eta import Eta
from gallery.views import formatting
from gallery.views.creations import CreationView

DONE_MESSAGES: dict[str, str] = {
    "hide": "{pictures} hidden. Only you can see {them}.",
    "unhide": "{pictures} no longer hidden.",
    "sensitive": "{pictures} marked as sensitive and blurred.",
    "unsensitive": "{pictures} no longer marked as sensitive.",
    "delete": "{pictures} deleted. Replies of the bot on X are deleted within minutes.",
}


@dataclass(frozen=True, slots=True)
class StatusBadge:
    """`kind` names the badge: waiting, painting, public, hidden, refused, held."""

    kind: str
    words: str
    detail: str = ""


def status_badge(creation: CreationView, eta: Eta | None = None) -> StatusBadge:
    """Return the badge of a creation, with details."""
    if creation.state is State.QUEUED:
        return StatusBadge("waiting", "Waiting", _describe_wait(creation, eta))
    if creation.state is State.PAINTING:
        return StatusBadge("painting", "Painting now", _describe_hidden(creation))
    if creation.state in {State.REFUSED, State.FAILED}:
        words = "Not painted" if creation.state is State.REFUSED else "Could not be painted"
        return StatusBadge("refused", words, creation.reason or "")
    if creation.hidden_at:
        return StatusBadge("hidden", "Hidden", "Only you can see this.")
    if creation.is_public:
        return StatusBadge("public", "Public", _describe_reply(creation))
    return StatusBadge("held", "Not public", "It was painted, but it is not shown to others.")


def summarize(action: str, count: int) -> str:
    """Return what was done with how many pictures, in one sentence."""
    if action not in DONE_MESSAGES:
        return ""
    if count == 0:
        return "No changes."
    pictures, them = ("1 picture", "it") if count == 1 else (f"{count:,} pictures", "them")
    return DONE_MESSAGES[action].format(pictures=pictures, them=them)


def _describe_wait(creation: CreationView, eta: Eta | None) -> str:
    words = ""
    if eta is not None:
        words = formatting.describe_queue_wait(eta)
    elif creation.attempts:
        words = "Still trying. The next attempt starts automatically."
    return f"{words} {_describe_hidden(creation)}".strip()


def _describe_hidden(creation: CreationView) -> str:
    return "It will stay hidden." if creation.hidden_at else ""


def _describe_reply(creation: CreationView) -> str:
    if creation.reply_status == "answered":
        return "Replied on X."
    if creation.reply_status:
        return f"Not posted on X: {creation.reason}"
    return "Reply on X pending." if creation.awaits_reply else ""
