"""Tells members what became of what they asked for, within the transaction in which it became so. Knows no painter.

Whose picture somebody made another one from is told, too, once that one hangs.
"""

from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from core import notifying
from core.models import Kind, creations, people
from core.notifying import notify


def tell_hung(session: Session, creation_id: int) -> None:
    """A creation hangs: for its author, and for the author of the one it was made from."""
    author_id, parent_id = _author_and_parent(session, creation_id)
    notify(session, author_id, Kind.PAINTED, key=f"painted:{creation_id}", creation_id=creation_id)
    seen = (creations.c.deleted_at.is_(None), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    parents = select(creations.c.person_id).join_from(creations, people, people.c.id == author_id)
    told_id = session.execute(parents.where(creations.c.id == parent_id, *seen)).scalar_one_or_none()
    if told_id is not None:
        about = {"actor_id": author_id, "creation_id": creation_id}
        notify(session, told_id, Kind.REMIXED, key=f"remixed:{creation_id}", **about)


def tell_not_painted(session: Session, creation_id: int, code: str) -> None:
    """There will be no picture, and its page says why."""
    author_id, _ = _author_and_parent(session, creation_id)
    notifying.tell_not_painted(session, author_id, creation_id, code)


def _author_and_parent(session: Session, creation_id: int) -> tuple[int, int | None]:
    row: Any = session.execute(
        select(creations.c.person_id, creations.c.parent_id).where(creations.c.id == creation_id)
    ).one()
    return row.person_id, row.parent_id
