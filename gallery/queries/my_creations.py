"""List a member's own creations in every state, newest first.

Bounded: what is rare among many (refused, hidden) is looked for along an index of a member's own rows, without
reading more of each row than its state; only those of the page are read whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select, tuple_

from core.database import without_index
from core.models import State, creations, people
from core.reason_codes import COMMAND_CODES
from core.text import mark
from gallery.queries import creations as creation_queries
from gallery.queries.creation_rows import CREATION_STMT, load_creation_views
from gallery.views.creations import CreationView, Page
from gallery.views.pagination import Cursor

WAITING = (State.QUEUED.value, State.PAINTING.value)
# Written out, not bound: only so a database sees that the index of those holds all that is asked for.
ENDED: tuple[ColumnElement[str], ...] = (literal_column("'refused'"), literal_column("'failed'"))
# By the word in the address; the first is all of them.
FILTERS: dict[str, str] = {
    "": mark("All"),
    "public": mark("Public"),
    "waiting": mark("Waiting"),
    "refused": mark("Refused or failed"),
    "hidden": mark("Hidden"),
}
IS_NO_COMMAND = or_(creations.c.reason_code.is_(None), creations.c.reason_code.not_in(sorted(COMMAND_CODES)))
BY_TIME = (creations.c.created_at, creations.c.id)
BY_PUBLISHED = (creations.c.published_at, creations.c.id)


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted of a member; `creations` stops counting at `queries.TOTAL_LIMIT` + 1."""

    creations: int
    followers: int
    follows: int
    waiting: int


def list_own(
    connection: Connection, person_id: int, *, only: str = "", limit: int, after: Cursor | None = None
) -> Page:
    """Return a page of the member's creations. `only`: one of FILTERS."""
    order = BY_PUBLISHED if only == "public" else BY_TIME
    stmt = (
        select(*order).where(*_owned_by(person_id), *_filter_for(only)).order_by(*(column.desc() for column in order))
    )
    if after is not None:
        stmt = stmt.where(tuple_(*order) < (after.published_at, after.id))
    rows = connection.execute(stmt.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    shown = find_own(connection, person_id, [row.id for row in rows[:limit]])
    return Page(shown, str(Cursor(last[0], last.id)) if last else None)


def find_own(connection: Connection, person_id: int, creation_ids: Sequence[int]) -> list[CreationView]:
    """Return those of these creations that the member owns and did not delete, in the order of `creation_ids`."""
    if not creation_ids:
        return []
    is_owner = without_index(creations.c.person_id) == person_id
    stmt = CREATION_STMT.where(
        creations.c.id.in_(creation_ids), is_owner, without_index(creations.c.deleted_at).is_(None), IS_NO_COMMAND
    )
    by_id = {row.id: row for row in connection.execute(stmt)}
    rows = [by_id[one] for one in creation_ids if one in by_id]
    return load_creation_views(connection, rows, viewer_id=person_id)


def load_totals(connection: Connection, person_id: int) -> Totals:
    """Load the totals above the member's creations."""
    counts = connection.execute(
        select(people.c.follower_count, people.c.following_count).where(people.c.id == person_id)
    ).one()
    waiting = _count(connection, select(creations.c.id).where(*_owned_by(person_id), *_filter_for("waiting")))
    return Totals(
        creation_queries.count_public(connection, person_id), counts.follower_count, counts.following_count, waiting
    )


def is_own(person_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for creations that a member may change: their own, no commands, not deleted."""
    return _owned_by(person_id)


def _owned_by(person_id: int) -> tuple[ColumnElement[bool], ...]:
    return creations.c.person_id == person_id, creations.c.deleted_at.is_(None), IS_NO_COMMAND


def _filter_for(only: str) -> tuple[ColumnElement[bool], ...]:
    if only == "public":
        return (creations.c.published_at.is_not(None),)
    if only == "waiting":
        return creations.c.next_attempt_at.is_not(None), creations.c.state.in_(WAITING)
    if only == "refused":
        return (creations.c.state.in_(ENDED),)
    if only == "hidden":
        return (and_(creations.c.hidden_at.is_not(None)),)
    return ()


def _count(connection: Connection, stmt: Select[int]) -> int:
    some = stmt.limit(creation_queries.TOTAL_LIMIT + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
