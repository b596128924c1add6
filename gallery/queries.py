"""The questions the site asks the database, as Core selects: two for a page of creations, whatever its length.

No question here costs more when the table grows: pages go by keyset along an index, totals stop counting at a limit.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, Select, and_, bindparam, func, or_, select, tuple_
from starlette.concurrency import run_in_threadpool

from core.database import reading
from core.models import FILES_OF_PICTURES, State, creations, people, pictures
from core.refusals import NO_CREATION, UNSHOWN
from gallery.keyset import After
from gallery.shown import CreationShown, Page, ParentShown, PersonShown, PictureShown

TOTAL_LIMIT = 1000
LARGEST_ID = 2**63 - 1

Answer = TypeVar("Answer")

its_parent, its_person = creations.alias("its_parent"), people.alias("its_person")
COLUMNS = (
    creations.c.id,
    creations.c.state,
    creations.c.code,
    creations.c.prompt,
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
    creations.c.negative_prompt,
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
    people.c.id.label("person_id"),
    people.c.username,
    people.c.name,
    its_parent.c.id.label("after_id"),
    its_person.c.id.label("after_person_id"),
    its_person.c.username.label("after_username"),
    its_person.c.name.label("after_name"),
)
PICTURE_COLUMNS = (
    pictures.c.creation_id,
    pictures.c.seed,
    pictures.c.width,
    pictures.c.height,
    pictures.c.mime,
    pictures.c.thumb_width,
    pictures.c.thumb_height,
    pictures.c.wide_width,
    pictures.c.wide_height,
    pictures.c.placeholder,
    *FILES_OF_PICTURES,
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
# Put together once, where that is easy: it takes about as long as asking.
OWN = people.c.id == bindparam("viewer", type_=BigInteger)
ONE = WITH_PERSON.where(
    creations.c.id == bindparam("id", type_=BigInteger),
    or_(people.c.hidden_at.is_(None), OWN),
    or_(creations.c.hidden_at.is_(None), creations.c.deleted_at.is_not(None), OWN),
)
PICTURES = (
    select(*PICTURE_COLUMNS)
    .where(pictures.c.creation_id.in_(bindparam("ids", expanding=True)))
    .order_by(pictures.c.creation_id, pictures.c.position)
)
NEWEST = WITH_PERSON.where(creations.c.shown_at.is_not(None)).order_by(
    creations.c.shown_at.desc(), creations.c.id.desc()
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
    statement = _wall(limit, after)
    if person_id is not None:
        statement = statement.where(creations.c.person_id == person_id)
    if parent_id is not None:
        statement = statement.where(creations.c.parent_id == parent_id)
    rows = connection.execute(statement).all()
    shown = with_pictures(connection, rows[:limit])
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, str(After(last.shown_at, last.id)) if last and last.shown_at else None)


def by_ids(connection: Connection, creation_ids: Sequence[int]) -> list[CreationShown]:
    """The visible ones of these creations, in the order in which they are named."""
    if not creation_ids:
        return []
    wanted = WITH_PERSON.where(creations.c.id.in_(creation_ids), creations.c.shown_at.is_not(None))
    by_id = {row.id: row for row in connection.execute(wanted)}
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
    if "\0" in handle:
        return None  # PostgreSQL has no such text
    statement = (
        select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at)
        .where(people.c.handle == handle.lower(), people.c.hidden_at.is_(None))
        .order_by(people.c.first_seen_at.desc(), people.c.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return PersonShown(*row) if row else None


def total_of(connection: Connection, person_id: int) -> int:
    """How many visible creations a person has; TOTAL_LIMIT + 1 stands for more."""
    some = (
        select(creations.c.id)
        .where(creations.c.person_id == person_id, creations.c.shown_at.is_not(None))
        .limit(TOTAL_LIMIT + 1)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def is_shown(connection: Connection, key: str) -> bool:
    """Whether a file is a picture of a creation that is visible. Who knows the address of another gets nothing."""
    return _has_file(connection, key, creations.c.shown_at.is_not(None))


def is_own(connection: Connection, key: str, viewer_id: int) -> bool:
    """Whether a file is a picture of a creation that its author may see, though it does not hang."""
    return _has_file(connection, key, *_own(viewer_id))


def _has_file(connection: Connection, key: str, *of_which: ColumnElement[bool]) -> bool:
    its_files = or_(*(column == key for column in FILES_OF_PICTURES))
    wanted = select(pictures.c.id).join(creations).where(its_files, *of_which).limit(1)
    return connection.execute(wanted).first() is not None


def _own(viewer_id: int | None) -> tuple[ColumnElement[bool], ...]:
    """What its author sees though it does not hang; what is taken back or a check held back is gone for them, too."""
    other = pictures.alias("other")
    flagged = select(other.c.id).where(other.c.creation_id == creations.c.id, other.c.flagged)
    return creations.c.person_id == viewer_id, creations.c.deleted_at.is_(None), ~flagged.exists()


def _wall(limit: int, after: After | None) -> Select[Any]:
    statement = NEWEST.limit(limit + 1)
    if after is None:
        return statement
    return statement.where(tuple_(creations.c.shown_at, creations.c.id) < (after.shown_at, after.id))


def with_pictures(connection: Connection, rows: Sequence[Any], *, viewer_id: int | None = None) -> list[CreationShown]:
    """What rows of WITH_PERSON tell, with the pictures of those that hang, and of the viewer's own."""
    shown = [_creation(row) for row in rows]
    by_id = {creation.id: creation for creation in shown}
    rows = _pictures_of(connection, [one.id for one in shown if one.hangs])
    own = [one.id for one in shown if one.painted_at and not one.hangs and one.person.id == viewer_id]
    # Asked for only where there are any: making the question alone takes as long as reading a page of the wall.
    rows = [*rows, *_pictures_of(connection, own, *_own(viewer_id))] if own else rows
    alts = {one.id: (one.alt, one.short_alt) for one in shown}
    for row in rows:
        by_id[row.creation_id].pictures.append(_picture(row, *alts[row.creation_id]))
    return shown


def _pictures_of(connection: Connection, ids: Sequence[int], *which: ColumnElement[bool]) -> Sequence[Any]:
    if not ids:
        return []
    statement = PICTURES.join(creations).where(*which) if which else PICTURES
    return connection.execute(statement, {"ids": ids}).all()


def _creation(row: Any) -> CreationShown:
    values = dict(row._mapping)
    if row.code in UNSHOWN:
        values |= {"prompt": "", "negative_prompt": ""}
    person = PersonShown(values.pop("person_id"), values.pop("username"), values.pop("name"))
    after_id, *after = (values.pop(f"after_{name}") for name in ("id", "person_id", "username", "name"))
    # Where X hides its author, the parent is there and they are not.
    parent = ParentShown(after_id, PersonShown(*after)) if after[0] is not None else None
    return CreationShown(**{**values, "state": State(values["state"]), "person": person, "parent": parent})


def _picture(row: Any, alt: str, short_alt: str) -> PictureShown:
    return PictureShown(
        url=file_address(row.key),
        thumb_url=file_address(row.thumb_key),
        width=row.width,
        height=row.height,
        thumb_width=row.thumb_width,
        thumb_height=row.thumb_height,
        seed=row.seed,
        mime=row.mime,
        placeholder=row.placeholder if row.placeholder.startswith("data:image/") else "",
        alt=alt,
        short_alt=short_alt,
        thumb_avif_url=file_address(row.thumb_avif_key),
        wide_url=file_address(row.wide_key),
        wide_avif_url=file_address(row.wide_avif_key),
        wide_width=row.wide_width or 0,
        wide_height=row.wide_height or 0,
    )


def file_address(key: str | None) -> str:
    return f"/pictures/{quote(key)}" if key else ""
