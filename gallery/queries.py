"""The questions the site asks the database, as Core selects: two for a page of creations, whatever its length.

No question here costs more when the table grows: pages go by keyset along an index, totals stop counting at a limit.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import zip_longest
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
from core.models import State, creations, people, pictures
from core.refusals import NO_CREATION, UNSHOWN
from gallery.keyset import After
from gallery.seen_files import own
from gallery.shown import CreationShown, Page, ParentShown, PersonShown, PictureShown

TOTAL_LIMIT = 1000
LARGEST_ID = 2**63 - 1

Answer = TypeVar("Answer")

its_parent, its_person = creations.alias("its_parent"), people.alias("its_person")
# In the order in which `_creation` takes them, and `CreationShown` the rest.
COLUMNS = (
    creations.c.id,
    creations.c.state,
    creations.c.code,
    creations.c.prompt,
    creations.c.negative_prompt,
    people.c.id.label("person_id"),
    people.c.username,
    people.c.name,
    its_parent.c.id.label("after_id"),
    its_person.c.id.label("after_person_id"),
    its_person.c.username.label("after_username"),
    its_person.c.name.label("after_name"),
    creations.c.post_id,
    creations.c.parent_id,
    creations.c.count,
    creations.c.seed,
    creations.c.attempts,
    creations.c.next_attempt_at,
    creations.c.model,
    creations.c.painting_seconds,
    creations.c.painted_steps,
    creations.c.guidance,
    creations.c.tokens_read,
    creations.c.tokens_in_all,
    creations.c.ignored,
    creations.c.reply_post_id,
    creations.c.reply_outcome,
    creations.c.created_at,
    creations.c.painted_at,
    creations.c.shown_at,
    creations.c.deleted_at,
    creations.c.aspect_ratio,
    creations.c.steps,
    creations.c.style,
    creations.c.start_url,
    creations.c.start_key,
    creations.c.hidden_at,
    creations.c.sensitive,
    creations.c.likes,
    creations.c.comments,
    creations.c.remixes,
)
# The same for `_picture` and `PictureShown`.
PICTURE_COLUMNS = (
    pictures.c.creation_id,
    pictures.c.seed,
    pictures.c.width,
    pictures.c.height,
    pictures.c.mime,
    pictures.c.thumb_width,
    pictures.c.thumb_height,
    func.coalesce(pictures.c.wide_width, 0),
    func.coalesce(pictures.c.wide_height, 0),
    pictures.c.placeholder,
    pictures.c.key,
    pictures.c.thumb_key,
    pictures.c.thumb_avif_key,
    pictures.c.wide_key,
    pictures.c.wide_avif_key,
)
# What a creation was made after is named as long as anybody may see it.
WITH_PERSON = (
    select(*COLUMNS)
    .join_from(creations, people, people.c.id == creations.c.person_id)
    .outerjoin(
        its_parent,
        and_(
            its_parent.c.id == creations.c.parent_id,
            its_parent.c.deleted_at.is_(None),
            its_parent.c.hidden_at.is_(None),
        ),
    )
    .outerjoin(its_person, and_(its_person.c.id == its_parent.c.person_id, its_person.c.hidden_at.is_(None)))
)
# Put together once: it takes longer than asking them.
OWN = people.c.id == bindparam("viewer", type_=BigInteger)
lost = creations.alias("lost")
# Ends at the first: what came of them is asked for where there is one.
LOST = select(lost.c.id).where(lost.c.parent_id == creations.c.id, lost.c.shown_at.is_(None))
ONE = WITH_PERSON.add_columns(LOST.exists()).where(
    creations.c.id == bindparam("id", type_=BigInteger),
    or_(people.c.hidden_at.is_(None), OWN),
    or_(creations.c.hidden_at.is_(None), creations.c.deleted_at.is_not(None), OWN),
)
NEWEST = WITH_PERSON.where(creations.c.shown_at.is_not(None)).order_by(
    creations.c.shown_at.desc(), creations.c.id.desc()
)
OLDER = tuple_(creations.c.shown_at, creations.c.id) < tuple_(
    bindparam("shown_at", type_=creations.c.shown_at.type), bindparam("id", type_=BigInteger)
)
THESE = creations.c.id.in_(bindparam("ids", expanding=True))
BY_IDS = WITH_PERSON.where(THESE, creations.c.shown_at.is_not(None))
PICTURES = select(*PICTURE_COLUMNS).order_by(pictures.c.creation_id, pictures.c.position)
# A list of any length is written into the question anew each time; lists of these lengths are not.
LENGTHS = (1, 25)
CALLED = (
    select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at, people.c.followers, people.c.follows)
    .where(people.c.handle == bindparam("handle"), people.c.hidden_at.is_(None))
    .order_by(people.c.first_seen_at.desc(), people.c.id.desc())
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
    row = connection.execute(ONE, {"id": creation_id, "viewer": viewer_id}).one_or_none()
    if row is None or row.code in NO_CREATION:
        return None
    return with_pictures(connection, [row], viewer_id=viewer_id)[0]


def person_called(connection: Connection, handle: str) -> PersonShown | None:
    """Who has this handle now: X lets handles change hands, so the one we met last."""
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


def with_pictures(connection: Connection, rows: Sequence[Any], *, viewer_id: int | None = None) -> list[CreationShown]:
    """What rows of WITH_PERSON tell, with the pictures of those that hang, and of the viewer's own."""
    shown = [_creation(*row) for row in rows]
    by_id = {creation.id: creation for creation in shown}
    rows = _pictures_of(connection, [one.id for one in shown if one.shown_at is not None])
    own = [one.id for one in shown if one.painted_at and not one.hangs and one.person.id == viewer_id]
    if own:
        rows = [*rows, *connection.execute(_own_pictures(), {"ids": own, "viewer": viewer_id}).all()]
    for row in rows:
        creation = by_id[row[0]]
        creation.pictures.append(PictureShown._make((*row[1:], creation.prompt, creation.person.called)))
    return shown


def _pictures_of(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    if not ids:
        return []
    length = next((length for length in LENGTHS if len(ids) <= length), None)
    if length is None:
        return connection.execute(_pictures(None), {"ids": ids}).all()
    # A short list is filled up: twice the same is found once.
    filled = zip_longest(range(length), ids, fillvalue=ids[-1])
    return connection.execute(_pictures(length), {f"id{place}": one for place, one in filled}).all()


@cache
def _pictures(length: int | None) -> Select[Any]:
    """The question for the pictures of so many creations, or of any number."""
    if length is None:
        return PICTURES.where(pictures.c.creation_id.in_(bindparam("ids", expanding=True)))
    return PICTURES.where(
        pictures.c.creation_id.in_([bindparam(f"id{place}", type_=BigInteger) for place in range(length)])
    )


@cache
def _own_pictures() -> Select[Any]:
    return _pictures(None).join(creations).where(*own(bindparam("viewer", type_=BigInteger)))


def _creation(  # noqa: PLR0917  # a row, as COLUMNS has it
    creation_id: int,
    state: str,
    code: str | None,
    prompt: str,
    negative_prompt: str,
    person_id: int,
    username: str,
    name: str,
    after_id: int | None,
    after_person_id: int | None,
    after_username: str,
    after_name: str,
    *rest: Any,
) -> CreationShown:
    if code in UNSHOWN:
        prompt = negative_prompt = ""
    parent = None
    # Where X hides its author, the parent is there and they are not.
    if after_id is not None and after_person_id is not None:
        parent = ParentShown(after_id, PersonShown(after_person_id, after_username, after_name))
    person = PersonShown(person_id, username, name)
    return CreationShown(creation_id, State(state), code, prompt, negative_prompt, person, parent, *rest)
