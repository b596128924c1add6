"""Query creations and the accounts that made them: two statements for a page of creations of any length.

The cost does not grow with the table: pages follow an index by cursor, and counts stop at a limit.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Select, and_, bindparam, func, or_, select, tuple_

from core.models import creations, people, pictures
from core.reason_codes import COMMAND_CODES
from gallery.queries.creation_rows import (
    CREATION_STMT,
    PICTURE_COLUMNS,
    load_creation_views,
    to_creation_view,
    to_picture_view,
)
from gallery.queries.file_access import visible_to_owner
from gallery.views.creations import CreationView, Page, UserView
from gallery.views.pagination import MAX_ID, Cursor

TOTAL_LIMIT = 1000

# Statements are built once: building one takes longer than running it.
VIEWER_ID = bindparam("viewer_id", type_=BigInteger)
IS_OWNER = people.c.id == VIEWER_ID
hidden_remixes = creations.alias("hidden_remixes")
# Stops at the first hit. `remix_tree` loads the remixes themselves.
HAS_HIDDEN_REMIX = (
    select(hidden_remixes.c.id)
    .where(hidden_remixes.c.parent_id == creations.c.id, hidden_remixes.c.published_at.is_(None))
    .exists()
)
PICTURES_ARE_VISIBLE = or_(
    creations.c.published_at.is_not(None), and_(creations.c.painted_at.is_not(None), *visible_to_owner(VIEWER_ID))
)
# A row for each picture, or one without: faster than a second statement for the pictures.
ONE_CREATION_STMT = (
    CREATION_STMT.add_columns(HAS_HIDDEN_REMIX, *PICTURE_COLUMNS)
    .outerjoin(pictures, and_(pictures.c.creation_id == creations.c.id, PICTURES_ARE_VISIBLE))
    .where(
        creations.c.id == bindparam("id", type_=BigInteger),
        or_(people.c.hidden_at.is_(None), IS_OWNER),
        or_(creations.c.hidden_at.is_(None), creations.c.deleted_at.is_not(None), IS_OWNER),
    )
    .order_by(pictures.c.position)
)
CREATION_COLUMN_COUNT = len(ONE_CREATION_STMT.selected_columns) - len(PICTURE_COLUMNS)
NEWEST_STMT = CREATION_STMT.where(creations.c.published_at.is_not(None)).order_by(
    creations.c.published_at.desc(), creations.c.id.desc()
)
IS_AFTER_CURSOR = tuple_(creations.c.published_at, creations.c.id) < tuple_(
    bindparam("published_at", type_=creations.c.published_at.type), bindparam("id", type_=BigInteger)
)
BY_IDS_STMT = CREATION_STMT.where(
    creations.c.id.in_(bindparam("ids", expanding=True)), creations.c.published_at.is_not(None)
)
USER_BY_HANDLE_STMT = (
    select(
        people.c.id,
        people.c.username,
        people.c.name,
        people.c.first_seen_at,
        people.c.follower_count,
        people.c.following_count,
        people.c.avatar_key,
    )
    .where(people.c.handle == bindparam("handle"), people.c.hidden_at.is_(None))
    # Accounts without a known handle have their id as one, which may equal another account's handle of digits.
    .order_by(people.c.handle_seen_at.is_(None), people.c.id.desc())
    .limit(1)
)


class ProfileRow(NamedTuple):
    """A row of USER_BY_HANDLE_STMT."""

    id: int
    username: str
    name: str
    first_seen_at: datetime
    follower_count: int
    following_count: int
    avatar_key: str | None


def list_newest(
    connection: Connection,
    *,
    limit: int,
    after: Cursor | None = None,
    person_id: int | None = None,
    parent_id: int | None = None,
) -> Page:
    """Return public creations, newest first: all, of one author, or the remixes of one creation."""
    parameters: dict[str, object] = {"limit": limit + 1}
    if after is not None:
        parameters |= {"published_at": after.published_at, "id": after.id}
    if person_id is not None:
        parameters["person_id"] = person_id
    if parent_id is not None:
        parameters["parent_id"] = parent_id
    rows = connection.execute(_newest_stmt(*parameters), parameters).all()
    views = load_creation_views(connection, rows[:limit])
    last = views[-1] if len(rows) > limit else None
    return Page(views, str(Cursor(last.published_at, last.id)) if last and last.published_at else None)


def list_by_ids(connection: Connection, creation_ids: Sequence[int]) -> list[CreationView]:
    """Return the public ones of these creations, in the order of `creation_ids`."""
    if not creation_ids:
        return []
    views = load_creation_views(connection, connection.execute(BY_IDS_STMT, {"ids": creation_ids}).all())
    by_id = {view.id: view for view in views}
    return [by_id[creation_id] for creation_id in creation_ids if creation_id in by_id]


def find_creation(connection: Connection, creation_id: int, *, viewer_id: int | None = None) -> CreationView | None:
    """Return a creation in any state; None if its author or X hides it, or if it is only a command.

    The viewer sees their own hidden creations with their pictures.
    """
    if not 0 < creation_id <= MAX_ID:
        return None
    rows = connection.execute(ONE_CREATION_STMT, {"id": creation_id, "viewer_id": viewer_id}).all()
    if not rows:
        return None
    view = to_creation_view(rows[0][:CREATION_COLUMN_COUNT], viewer_id=viewer_id)
    if view.reason_code in COMMAND_CODES:
        return None
    picture_rows = [row[CREATION_COLUMN_COUNT:] for row in rows]
    view.pictures.extend(to_picture_view(row, view) for row in picture_rows if row[0] is not None)
    return view


def find_user_by_handle(connection: Connection, handle: str) -> UserView | None:
    """Return the account that X showed last with this handle."""
    row = find_profile_row(connection, handle)
    return UserView(row.id, row.username, row.name, row.first_seen_at, row.avatar_key) if row else None


def find_profile_row(connection: Connection, handle: str) -> ProfileRow | None:
    """Return the same account with its follower counts."""
    if "\0" in handle:
        return None  # PostgreSQL has no such text
    row = connection.execute(USER_BY_HANDLE_STMT, {"handle": handle.lower()}).one_or_none()
    return ProfileRow(*row) if row else None


def count_public(connection: Connection, person_id: int) -> int:
    """Return the number of public creations of an author; TOTAL_LIMIT + 1 stands for more."""
    ids = (
        select(creations.c.id)
        .where(creations.c.person_id == person_id, creations.c.published_at.is_not(None))
        .limit(TOTAL_LIMIT + 1)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(ids)).scalar_one()


@cache
def _newest_stmt(*parameters: str) -> Select[Any]:
    """Return the statement for a page of the newest, with the conditions that these parameters need."""
    stmt = NEWEST_STMT.limit(bindparam("limit", type_=Integer))
    if "published_at" in parameters:
        stmt = stmt.where(IS_AFTER_CURSOR)
    for column in (creations.c.person_id, creations.c.parent_id):
        if column.name in parameters:
            stmt = stmt.where(column == bindparam(column.name))
    return stmt
