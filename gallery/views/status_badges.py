"""Describe the status of a creation to its author. Pure functions of plain values."""

from dataclasses import dataclass

from core.models import State
from core.scheduling.eta import Eta
from core.text import mark_plural
from gallery.translations import format_number, gettext, ngettext
from gallery.views import formatting
from gallery.views.creations import CreationView

# One picture, and several.
DONE_MESSAGES: dict[str, tuple[str, str]] = {
    "hide": mark_plural(
        "%(num)s picture hidden. Only you can see it.", "%(num)s pictures hidden. Only you can see them."
    ),
    "unhide": mark_plural("%(num)s picture no longer hidden.", "%(num)s pictures no longer hidden."),
    "sensitive": mark_plural(
        "%(num)s picture marked as sensitive and blurred.", "%(num)s pictures marked as sensitive and blurred."
    ),
    "unsensitive": mark_plural(
        "%(num)s picture no longer marked as sensitive.", "%(num)s pictures no longer marked as sensitive."
    ),
    "delete": mark_plural(
        "%(num)s picture deleted. Replies of the bot on X are deleted within minutes.",
        "%(num)s pictures deleted. Replies of the bot on X are deleted within minutes.",
    ),
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
        return StatusBadge("waiting", gettext("Waiting"), _describe_wait(creation, eta))
    if creation.state is State.PAINTING:
        return StatusBadge("painting", gettext("Painting now"), _describe_hidden(creation))
    if creation.state in {State.REFUSED, State.FAILED}:
        words = gettext("Not painted") if creation.state is State.REFUSED else gettext("Could not be painted")
        return StatusBadge("refused", words, creation.reason or "")
    if creation.hidden_at:
        return StatusBadge("hidden", gettext("Hidden"), gettext("Only you can see this."))
    if creation.is_public:
        return StatusBadge("public", gettext("Public"), _describe_reply(creation))
    return StatusBadge("held", gettext("Not public"), gettext("It was painted, but it is not shown to others."))


def summarize(action: str, count: int) -> str:
    """Return what was done with how many pictures, in one sentence."""
    if action not in DONE_MESSAGES:
        return ""
    if count == 0:
        return gettext("No changes.")
    singular, plural = DONE_MESSAGES[action]
    return ngettext(singular, plural, count, num=format_number(count))


def _describe_wait(creation: CreationView, eta: Eta | None) -> str:
    words = ""
    if eta is not None:
        words = formatting.describe_queue_wait(eta)
    elif creation.attempts:
        words = gettext("Still trying. The next attempt starts automatically.")
    return f"{words} {_describe_hidden(creation)}".strip()


def _describe_hidden(creation: CreationView) -> str:
    return gettext("It will stay hidden.") if creation.hidden_at else ""


def _describe_reply(creation: CreationView) -> str:
    if creation.reply_status == "answered":
        return gettext("Replied on X.")
    if creation.reply_status:
        return gettext("Not posted on X: %(reason)s", reason=creation.reason)
    return gettext("Reply on X pending.") if creation.awaits_reply else ""
