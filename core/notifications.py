"""Notify members of events on their creations. Called within the transaction of the event.

Users who never signed in to the gallery get no notifications: they have the bot's reply on X.
"""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlmodel import Session

from core.clock import now
from core.database import insert_if_absent
from core.models import NotificationKind, comments, creations, notifications, people
from core.mutes import load_mutes

RETENTION = timedelta(days=90)
PRUNE_BATCH_SIZE = 500
# Codes without a notification: the member caused them, or is banned.
SILENT_CODES = frozenset({"deleted", "opted_out", "banned", "post_gone"})


def notify(
    session: Session,
    person_id: int,
    kind: NotificationKind,
    *,
    key: str,
    actor_id: int | None = None,
    creation_id: int | None = None,
    comment_id: int | None = None,
    board_id: int | None = None,
) -> bool:
    """Notify a member, once per key, never of own actions or of what they mute. Return whether it is new.

    Args:
        key: names the event, like `liked:17:4711`; liking, unliking and liking again notifies once.
        actor_id: user who caused it, if any.
    """
    if actor_id == person_id or not _is_member(session, person_id):
        return False
    if actor_id is not None and _is_muted(session, person_id, actor_id, creation_id, comment_id):
        return False
    return insert_if_absent(
        session,
        notifications,
        person_id=person_id,
        kind=kind.value,
        key=key,
        actor_id=actor_id,
        creation_id=creation_id,
        comment_id=comment_id,
        board_id=board_id,
        at=now(),
    )


def notify_failed(session: Session, person_id: int, creation_id: int, code: str) -> None:
    """Notify the author that there will be no picture. The page of the creation says why."""
    if code not in SILENT_CODES:
        notify(session, person_id, NotificationKind.REFUSED, key=f"refused:{creation_id}", creation_id=creation_id)


def prune_old(session: Session) -> int:
    """Delete one batch of notifications older than RETENTION. Return how many. The cost is the same at any size."""
    oldest = select(notifications.c.id, notifications.c.at).order_by(notifications.c.id).limit(PRUNE_BATCH_SIZE)
    first = oldest.subquery()
    old = select(first.c.id).where(first.c.at < now() - RETENTION)
    gone = session.execute(delete(notifications).where(notifications.c.id.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result always has it


def _is_muted(session: Session, person_id: int, actor_id: int, creation_id: int | None, comment_id: int | None) -> bool:
    """Return whether the member mutes the user, or a topic of their comment or creation."""
    muted = load_mutes(session.connection(), person_id)
    if not muted:
        return False
    if comment_id is not None:
        text = session.execute(select(comments.c.text).where(comments.c.id == comment_id)).scalar_one_or_none()
        return muted.hides(actor_id, text or "")
    stmt = select(creations.c.prompt, creations.c.style).where(
        creations.c.id == creation_id, creations.c.person_id == actor_id
    )
    row = session.execute(stmt).one_or_none() if creation_id is not None else None
    return muted.hides(actor_id, row.prompt if row else "", row.style if row else None)


def _is_member(session: Session, person_id: int) -> bool:
    member = select(people.c.id).where(people.c.id == person_id, people.c.member_since.is_not(None))
    return session.execute(member).first() is not None
