"""Tells members what happened to their things. Called within the transaction in which it happened.

Who never signed in to the gallery is not told: on X they have the bot's answer.
"""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlmodel import Session

from core.clock import now
from core.database import insert_new
from core.models import Kind, notifications, people

KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 500
# They took it back themselves, or were told to stay away: no news to them.
NO_NEWS = frozenset({"deleted", "opted_out", "banned", "post_gone"})


def notify(
    session: Session,
    person_id: int,
    kind: Kind,
    *,
    key: str,
    actor_id: int | None = None,
    creation_id: int | None = None,
    comment_id: int | None = None,
) -> bool:
    """Tell a member something, once per key. Nobody is told of what they did themselves. Returns whether it is new.

    Args:
        key: names what happened, like `liked:17:4711`; liking, unliking and liking again tells it once.
        actor_id: who did it, where somebody did.
    """
    if actor_id == person_id or not _is_member(session, person_id):
        return False
    return insert_new(
        session,
        notifications,
        person_id=person_id,
        kind=kind.value,
        key=key,
        actor_id=actor_id,
        creation_id=creation_id,
        comment_id=comment_id,
        at=now(),
    )


def tell_not_painted(session: Session, person_id: int, creation_id: int, code: str) -> None:
    """There will be no picture, and the page of the creation says why."""
    if code not in NO_NEWS:
        notify(session, person_id, Kind.REFUSED, key=f"refused:{creation_id}", creation_id=creation_id)


def forget_old(session: Session) -> int:
    """Let the oldest notifications go, some at once, read or not. Returns how many went; costs the same at any size."""
    oldest = select(notifications.c.id, notifications.c.at).order_by(notifications.c.id).limit(FORGOTTEN_AT_ONCE)
    first = oldest.subquery()
    old = select(first.c.id).where(first.c.at < now() - KEPT)
    gone = session.execute(delete(notifications).where(notifications.c.id.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result always has it


def _is_member(session: Session, person_id: int) -> bool:
    member = select(people.c.id).where(people.c.id == person_id, people.c.member_since.is_not(None))
    return session.execute(member).first() is not None
