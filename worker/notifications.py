"""Notify members of what became of their creations, within the transaction that changed it."""

from sqlalchemy import select
from sqlmodel import Session

from core import notifications
from core.models import NotificationKind, creations, people
from core.notifications import notify


def notify_published(session: Session, creation_id: int) -> None:
    """Notify the author of a published creation, and the author of the creation that it remixes."""
    author_id, parent_id = _load_author_and_parent(session, creation_id)
    notify(session, author_id, NotificationKind.PAINTED, key=f"painted:{creation_id}", creation_id=creation_id)
    if parent_id is None:
        return
    parent_author = select(creations.c.person_id).join_from(creations, people, people.c.id == author_id)
    visible = (creations.c.deleted_at.is_(None), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    stmt = parent_author.where(creations.c.id == parent_id, *visible)
    parent_author_id = session.execute(stmt).scalar_one_or_none()
    if parent_author_id is not None:
        notify(
            session,
            parent_author_id,
            NotificationKind.REMIXED,
            key=f"remixed:{creation_id}",
            actor_id=author_id,
            creation_id=creation_id,
        )


def notify_failed(session: Session, creation_id: int, code: str) -> None:
    """Notify the author that there will be no picture. The creation's page says why."""
    author_id, _ = _load_author_and_parent(session, creation_id)
    notifications.notify_failed(session, author_id, creation_id, code)


def _load_author_and_parent(session: Session, creation_id: int) -> tuple[int, int | None]:
    stmt = select(creations.c.person_id, creations.c.parent_id).where(creations.c.id == creation_id)
    author_id, parent_id = session.execute(stmt).one()
    return author_id, parent_id
