"""A member's own creations, whatever became of them, newest first. Knows no HTTP.

Bounded: what is rare among many (refused, hidden) is looked for along an index of a member's own rows, without
reading more of each row than its state; only those of the page are read whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select, tuple_

from core.models import State, creations, people
from core.refusals import NO_CREATION
from gallery import queries
from gallery.creation_rows import WITH_PERSON, with_pictures
from gallery.keyset import After
from gallery.shown import CreationShown, Page

WAITING = (State.QUEUED.value, State.PAINTING.value)
# Written out, not bound: only so a database sees that the index of those holds all that is asked for.
ENDED: tuple[ColumnElement[str], ...] = (literal_column("'refused'"), literal_column("'failed'"))
# By the word in the address; the first is all of them.
FILTERS: dict[str, str] = {
    "": "All",
    "wall": "On the wall",
    "waiting": "Waiting",
    "refused": "Refused or failed",
    "hidden": "Hidden",
}
BY_TIME = (creations.c.created_at, creations.c.id)
BY_HANGING = (creations.c.shown_at, creations.c.id)


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted of a member; `creations` stops counting at `queries.TOTAL_LIMIT` + 1."""

    creations: int
    followers: int
    follows: int
    waiting: int


def own(connection: Connection, person_id: int, *, only: str = "", limit: int, after: After | None = None) -> Page:
    """A page of their creations. `only`: one of FILTERS."""
    order = BY_HANGING if only == "wall" else BY_TIME
    wanted = select(*order).where(*_mine(person_id), *_of(only)).order_by(*(column.desc() for column in order))
    if after is not None:
        wanted = wanted.where(tuple_(*order) < (after.shown_at, after.id))
    rows = connection.execute(wanted.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    shown = own_by_ids(connection, person_id, [row.id for row in rows[:limit]])
    return Page(shown, str(After(last[0], last.id)) if last else None)


def own_by_ids(connection: Connection, person_id: int, creation_ids: Sequence[int]) -> list[CreationShown]:
    """Those of these creations that are theirs and not taken back, in the order in which they are named."""
    if not creation_ids:
        return []
    wanted = WITH_PERSON.where(creations.c.id.in_(creation_ids), *_mine(person_id))
    by_id = {row.id: row for row in connection.execute(wanted)}
    rows = [by_id[one] for one in creation_ids if one in by_id]
    return with_pictures(connection, rows, viewer_id=person_id)


def totals(connection: Connection, person_id: int) -> Totals:
    """What stands above their pictures."""
    counts = connection.execute(select(people.c.followers, people.c.follows).where(people.c.id == person_id)).one()
    waiting = _counted(connection, select(creations.c.id).where(*_mine(person_id), *_of("waiting")))
    return Totals(queries.total_of(connection, person_id), counts.followers, counts.follows, waiting)


def is_own(person_id: int) -> tuple[ColumnElement[bool], ...]:
    """What a member may do something with: theirs, a wish for a picture, not taken back."""
    return _mine(person_id)


def _mine(person_id: int) -> tuple[ColumnElement[bool], ...]:
    no_command = or_(creations.c.code.is_(None), creations.c.code.not_in(sorted(NO_CREATION)))
    return creations.c.person_id == person_id, creations.c.deleted_at.is_(None), no_command


def _of(only: str) -> tuple[ColumnElement[bool], ...]:
    if only == "wall":
        return (creations.c.shown_at.is_not(None),)
    if only == "waiting":
        # Few wait in all the house: the index of those alone is shorter than a member's own rows.
        waiting = select(creations.c.id).where(creations.c.state.in_(WAITING), creations.c.next_attempt_at.is_not(None))
        return (creations.c.id.in_(waiting),)
    if only == "refused":
        return (creations.c.state.in_(ENDED),)
    if only == "hidden":
        return (and_(creations.c.hidden_at.is_not(None)),)
    return ()


def _counted(connection: Connection, wanted: Select[Any]) -> int:
    some = wanted.limit(queries.TOTAL_LIMIT + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())
