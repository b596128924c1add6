"""The questions the site asks the database, as Core selects: two for a page of creations, whatever its length.

No question here costs more when the table grows: pages go by keyset along an index, totals stop counting at a limit.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from starlette.concurrency import run_in_threadpool

from core.database import reading
from core.models import creations, people, pictures
from core.refusals import NO_CREATION
from gallery.creation_rows import PICTURE_COLUMNS, WITH_PERSON, creation_of, picture_of, with_pictures
from gallery.keyset import After
from gallery.seen_files import own
from gallery.shown import CreationShown, Page, PersonShown

TOTAL_LIMIT = 1000
LARGEST_ID = 2**63 - 1

Answer = TypeVar("Answer")

# Put together once: it takes longer than asking them.
VIEWER = bindparam("viewer", type_=BigInteger)
OWN = people.c.id == VIEWER
lost = creations.alias("lost")
# Ends at the first: what came of them is asked for where there is one.
LOST = select(lost.c.id).where(lost.c.parent_id == creations.c.id, lost.c.shown_at.is_(None))
SEEN = or_(creations.c.shown_at.is_not(None), and_(creations.c.painted_at.is_not(None), *own(VIEWER)))
# A row for each of its pictures, or one without: to ask for them by themselves took longer than to find them.
ONE = (
    WITH_PERSON.add_columns(LOST.exists(), *PICTURE_COLUMNS)
    .outerjoin(pictures, and_(pictures.c.creation_id == creations.c.id, SEEN))
    .where(
        creations.c.id == bindparam("id", type_=BigInteger),
        or_(people.c.hidden_at.is_(None), OWN),
        or_(creations.c.hidden_at.is_(None), creations.c.deleted_at.is_not(None), OWN),
    )
    .order_by(pictures.c.position)
)
ITS_COLUMNS = len(ONE.selected_columns) - len(PICTURE_COLUMNS)
NEWEST = WITH_PERSON.where(creations.c.shown_at.is_not(None)).order_by(
    creations.c.shown_at.desc(), creations.c.id.desc()
)
OLDER = tuple_(creations.c.shown_at, creations.c.id) < tuple_(
    bindparam("shown_at", type_=creations.c.shown_at.type), bindparam("id", type_=BigInteger)
)
THESE = creations.c.id.in_(bindparam("ids", expanding=True))
BY_IDS = WITH_PERSON.where(THESE, creations.c.shown_at.is_not(None))
CALLED = (
    select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at, people.c.followers, people.c.follows)
    .where(people.c.handle == bindparam("handle"), people.c.hidden_at.is_(None))
    # One person has it; but the id of somebody without a handle may look like another one's handle of digits.
    .order_by(people.c.handle_seen_at.is_(None), people.c.id.desc())
    .limit(1)
)


async def ask(engine: Engine, question: Callable[[Connection], Answer]) -> Answer:
    """Ask one question.

    A read of a local SQLite file takes less time than handing it to a thread (1,217 against 350 pages a second);
    a database at the end of a network would block every other page meanwhile, so it gets a thread.
    """
    if engine.dialect.name == "sqlite":
        return _ask(engine, question)
    return await run_in_threadpool(_ask, engine, question)


def _ask(engine: Engine, question: Callable[[Connection], Answer]) -> Answer:
    with reading(engine) as connection:
        return question(connection)


def newest(
    connection: Connection,
    *,
    limit: int,
    after: After | None = None,
    person_id: int | None = None,
    parent_id: int | None = None,
) -> Page:
    """Visible creations, newest first, of everybody, of one person, or made from one creation."""
    given: dict[str, object] = {"limit": limit + 1}
    if after is not None:
        given |= {"shown_at": after.shown_at, "id": after.id}
    given |= {name: value for name, value in (("person_id", person_id), ("parent_id", parent_id)) if value is not None}
    rows = connection.execute(_wall(*given), given).all()
    shown = with_pictures(connection, rows[:limit])
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, str(After(last.shown_at, last.id)) if last and last.shown_at else None)


def by_ids(connection: Connection, creation_ids: Sequence[int]) -> list[CreationShown]:
    """The visible ones of these creations, in the order in which they are named."""
    if not creation_ids:
        return []
    by_id = {row[0]: row for row in connection.execute(BY_IDS, {"ids": creation_ids})}
    return with_pictures(connection, [by_id[one] for one in creation_ids if one in by_id])


def one_creation(connection: Connection, creation_id: int, *, viewer_id: int | None = None) -> CreationShown | None:
    """One creation in whatever state, unless its author or X hides it, or it is only a command.

    Who asked for it sees it also where it is hidden, with its pictures.
    """
    if not 0 < creation_id <= LARGEST_ID:
        return None
    found = connection.execute(ONE, {"id": creation_id, "viewer": viewer_id}).all()
    if not found or found[0].code in NO_CREATION:
        return None
    shown = creation_of(*found[0][:ITS_COLUMNS], viewer_id=viewer_id)
    own_rows = [row[ITS_COLUMNS:] for row in found]
    shown.pictures.extend(picture_of(row, shown) for row in own_rows if row[0] is not None)
    return shown


def person_called(connection: Connection, handle: str) -> PersonShown | None:
    """Who has this handle now: whoever X showed with it last (`core/people.py`)."""
    row = row_called(connection, handle)
    return PersonShown(row.id, row.username, row.name, row.first_seen_at) if row else None


def row_called(connection: Connection, handle: str) -> Any:
    """The same with how many follow them, and whom they follow: CALLED."""
    if "\0" in handle:
        return None  # PostgreSQL has no such text
    return connection.execute(CALLED, {"handle": handle.lower()}).one_or_none()


def total_of(connection: Connection, person_id: int) -> int:
    """How many visible creations a person has; TOTAL_LIMIT + 1 stands for more."""
    some = (
        select(creations.c.id)
        .where(creations.c.person_id == person_id, creations.c.shown_at.is_not(None))
        .limit(TOTAL_LIMIT + 1)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


@cache
def _wall(*given: str) -> Select[Any]:
    """The question for a page of the newest, where these are given."""
    statement = NEWEST.limit(bindparam("limit", type_=Integer))
    if "shown_at" in given:
        statement = statement.where(OLDER)
    for column in (creations.c.person_id, creations.c.parent_id):
        if column.name in given:
            statement = statement.where(column == bindparam(column.name))
    return statement
