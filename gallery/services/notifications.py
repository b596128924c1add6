"""Decide whom likes, comments and follows notify, and retract notifications."""

from sqlalchemy import delete, select
from sqlmodel import Session

from core.models import creations, notifications, people


def author_of_public(session: Session, creation_id: int) -> int | None:
    """Return the author of a public creation, or None if it is not public."""
    wanted = (
        select(creations.c.person_id)
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.published_at.is_not(None), people.c.hidden_at.is_(None))
    )
    return session.execute(wanted).scalar_one_or_none()


def can_notify_about(session: Session, person_id: int) -> bool:
    """Return whether users are notified of what this user does: not if X or the operator hides the user."""
    seen = select(people.c.id).where(
        people.c.id == person_id, people.c.hidden_at.is_(None), people.c.banned_at.is_(None)
    )
    return session.execute(seen).first() is not None


def retract_notification(session: Session, key: str) -> None:
    """Delete an unread notification. A read one stays, so that doing it again sends no second notification."""
    unread = (notifications.c.key == key, notifications.c.read_at.is_(None))
    session.execute(delete(notifications).where(*unread))
