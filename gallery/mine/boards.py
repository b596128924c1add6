"""Boards as they are read: whose they are, what they are called, what is on them and hangs. Knows no HTTP."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select, tuple_, union_all

from core.models import boards, collected, creations, people
from gallery import queries
from gallery.keyset import After
from gallery.labels import counted
from gallery.shown import CreationShown, Page, PersonShown, PictureShown

NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
ON_COVER = 4
MOST_BOARDS = 200
MOST_ON_ONE = 2000
BY_CHANGE = (boards.c.changed_at, boards.c.id)
IN_SIGHT = (people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
BY_COLLECTING = (collected.c.at, collected.c.creation_id)


@dataclass(frozen=True, slots=True)
class BoardShown:
    """One board. `cover`: its latest pictures, at most ON_COVER, none that is marked as sensitive."""

    id: int
    name: str
    title: str
    about: str
    public: bool
    size: int
    changed_at: datetime
    person: PersonShown
    cover: list[PictureShown] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/b/{self.name}"

    @property
    def size_in_words(self) -> str:
        """`12 pictures`, or that it is empty."""
        return counted(self.size, MOST_ON_ONE, one="picture", many="pictures") if self.size else "empty"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of boards, and where the next one begins."""

    boards: list[BoardShown]
    older: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a member's boards, and whether a creation is on it."""

    name: str
    title: str
    public: bool
    on: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One place on a board: what is there, None where it does not hang now."""

    creation_id: int
    creation: CreationShown | None


def board_named(connection: Connection, name: str, viewer_id: int | None = None) -> BoardShown | None:
    """The board of this name, where who looks may see it: it is public and its owner is in sight, or it is theirs."""
    if not NAME.fullmatch(name):
        return None
    for_all = and_(boards.c.public, *IN_SIGHT)
    wanted = _boards().where(boards.c.name == name, or_(for_all, boards.c.person_id == viewer_id))
    row = connection.execute(wanted).one_or_none()
    return _board(row) if row else None


def boards_of(
    connection: Connection, person_id: int, *, own: bool = False, limit: int, after: After | None = None
) -> Shelf:
    """Somebody's boards with their covers, changed last first. `own`: those that only they may see, too."""
    wanted = _boards().where(boards.c.person_id == person_id)
    if not own:
        wanted = wanted.where(boards.c.public, *IN_SIGHT)
    if after is not None:
        wanted = wanted.where(tuple_(*BY_CHANGE) < (after.shown_at, after.id))
    rows = connection.execute(wanted.order_by(*(column.desc() for column in BY_CHANGE)).limit(limit + 1)).all()
    found = [_board(row) for row in rows[:limit]]
    _hang_covers(connection, found)
    last = found[-1] if len(rows) > limit else None
    return Shelf(found, str(After(last.changed_at, last.id)) if last else None)


def on_board(connection: Connection, board_id: int, *, limit: int, after: After | None = None) -> Page:
    """What is on a board and hangs, what was put there last first."""
    wanted = _on(board_id, limit, after).join(creations, creations.c.id == collected.c.creation_id)
    rows = connection.execute(wanted.where(creations.c.shown_at.is_not(None))).all()
    shown = queries.by_ids(connection, [row.creation_id for row in rows[:limit]])
    return Page(shown, _older(rows, limit))


def places_on(
    connection: Connection, board_id: int, *, limit: int, after: After | None = None
) -> tuple[list[Place], str | None]:
    """All places of a board, for its owner: also of what does not hang now. And where the next page begins."""
    rows = connection.execute(_on(board_id, limit, after)).all()
    ids = [row.creation_id for row in rows[:limit]]
    hung = {one.id: one for one in queries.by_ids(connection, ids)}
    return [Place(one, hung.get(one)) for one in ids], _older(rows, limit)


def choices(connection: Connection, person_id: int, creation_id: int) -> list[Choice]:
    """All of a member's boards, changed last first, and on which of them a creation is."""
    here = and_(collected.c.board_id == boards.c.id, collected.c.creation_id == creation_id)
    wanted = (
        select(boards.c.name, boards.c.title, boards.c.public, collected.c.creation_id.is_not(None))
        .outerjoin(collected, here)
        .where(boards.c.person_id == person_id)
        .order_by(*(column.desc() for column in BY_CHANGE))
        .limit(MOST_BOARDS)
    )
    return [Choice(name, title, public, bool(on)) for name, title, public, on in connection.execute(wanted)]


def _boards() -> Select[Any]:
    columns = (boards.c.id, boards.c.name, boards.c.title, boards.c.about, boards.c.public, boards.c.size)
    owner = (people.c.id.label("person_id"), people.c.username, people.c.name.label("person_name"))
    chosen = select(*columns, boards.c.changed_at, *owner)
    return chosen.join_from(boards, people, people.c.id == boards.c.person_id)


def _board(row: Any) -> BoardShown:
    owner = PersonShown(row.person_id, row.username, row.person_name)
    return BoardShown(row.id, row.name, row.title, row.about, bool(row.public), row.size, row.changed_at, owner)


def _on(board_id: int, limit: int, after: After | None) -> Select[Any]:
    wanted = select(collected.c.creation_id, collected.c.at).where(collected.c.board_id == board_id)
    if after is not None:
        wanted = wanted.where(tuple_(*BY_COLLECTING) < (after.shown_at, after.id))
    return wanted.order_by(*(column.desc() for column in BY_COLLECTING)).limit(limit + 1)


def _older(rows: Sequence[Any], limit: int) -> str | None:
    last = rows[limit - 1] if len(rows) > limit else None
    return str(After(last.at, last.creation_id)) if last else None


def _hang_covers(connection: Connection, shelf: Sequence[BoardShown]) -> None:
    """Three questions for all covers: a few ids along each board's own index, then what they are."""
    some = [select(_latest(board.id).subquery()) for board in shelf if board.size]
    if not some:
        return
    rows = connection.execute(union_all(*some)).all()
    by_id = {one.id: one for one in queries.by_ids(connection, sorted({row.creation_id for row in rows}))}
    covers = {board.id: board.cover for board in shelf}
    for row in rows:
        found = by_id.get(row.creation_id)
        if found and found.pictures:
            covers[row.board_id].append(found.pictures[0])


def _latest(board_id: int) -> Select[Any]:
    return (
        select(collected.c.board_id, collected.c.creation_id)
        .join(creations, creations.c.id == collected.c.creation_id)
        .where(collected.c.board_id == board_id, creations.c.shown_at.is_not(None), ~creations.c.sensitive)
        .order_by(*(column.desc() for column in BY_COLLECTING))
        .limit(ON_COVER)
    )
