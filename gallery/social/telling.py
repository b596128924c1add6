"""What likes, comments and follows ask before they tell anybody: what hangs, who may be named, what is untold again."""

from sqlalchemy import delete, select
from sqlmodel import Session

from core.models import creations, notifications, people


def author_of_shown(session: Session, creation_id: int) -> int | None:
    """Whose creation it is, where it hangs; None where it does not."""
    wanted = (
        select(creations.c.person_id)
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.shown_at.is_not(None), people.c.hidden_at.is_(None))
    )
    return session.execute(wanted).scalar_one_or_none()


def may_be_told_of(session: Session, person_id: int) -> bool:
    """Whether others are told what this person does: not of whom X or the host hides."""
    seen = select(people.c.id).where(
        people.c.id == person_id, people.c.hidden_at.is_(None), people.c.banned_at.is_(None)
    )
    return session.execute(seen).first() is not None


def untell(session: Session, key: str) -> None:
    """Take a notification back that was not read yet. One that was read stays, so that doing it again tells nothing."""
    unread = (notifications.c.key == key, notifications.c.read_at.is_(None))
    session.execute(delete(notifications).where(*unread))
