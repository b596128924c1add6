"""Boards as machines read them: those that their owners show to everybody, and what hangs of what is on them.

Knows no HTTP.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from core.models import boards, collected, creations, people
from gallery import queries
from gallery.keyset import After
from gallery.shown import Page, PersonShown

NAME = re.compile(r"[\w-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BoardShown:
    """One board that everybody may see."""

    id: int
    name: str
    title: str
    about: str
    size: int
    changed_at: datetime
    person: PersonShown

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/b/{self.name}"


def board_named(connection: Connection, name: str) -> BoardShown | None:
    """The board of this name, where it is public and its owner is in sight."""
    if not NAME.fullmatch(name):
        return None
    wanted = (
        select(boards, people.c.username, people.c.name.label("person_name"))
        .join_from(boards, people, people.c.id == boards.c.person_id)
        .where(boards.c.name == name, boards.c.public, people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )
    row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    owner = PersonShown(row.person_id, row.username, row.person_name)
    return BoardShown(row.id, row.name, row.title, row.about, row.size, row.changed_at, owner)


def on_board(connection: Connection, board: BoardShown, *, limit: int, after: After | None = None) -> Page:
    """What is on a board and hangs, what was put there last first."""
    wanted = (
        select(collected.c.creation_id, collected.c.at)
        .join_from(collected, creations, creations.c.id == collected.c.creation_id)
        .where(collected.c.board_id == board.id, creations.c.shown_at.is_not(None))
        .order_by(collected.c.at.desc(), collected.c.creation_id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        wanted = wanted.where(tuple_(collected.c.at, collected.c.creation_id) < (after.shown_at, after.id))
    rows = connection.execute(wanted).all()
    last = rows[limit - 1] if len(rows) > limit else None
    shown = queries.by_ids(connection, [row.creation_id for row in rows[:limit]])
    return Page(shown, str(After(last.at, last.creation_id)) if last else None)
