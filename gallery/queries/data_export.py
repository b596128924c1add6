"""Read everything that the instance stores about a user, a section at a time, as plain values.

Each section is read in batches along its key: no connection stays open during a slow download, and the largest account
needs no more memory than the smallest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from pydantic import JsonValue
from sqlalchemy import Column, Connection, Engine, RowMapping, Table, bindparam, select

from core.database import read_connection
from core.models import (
    board_items,
    board_members,
    boards,
    comments,
    creations,
    follows,
    ledger,
    likes,
    login_sessions,
    mutes,
    notifications,
    people,
    pictures,
    posts,
    reports,
)
from gallery.queries.file_access import visible_to_owner

BATCH_SIZE = 500
# Columns of our own housekeeping, and secrets: the digest of a cookie, sealed tokens, the names of forms.
INTERNAL_COLUMNS = {"digest", "tokens", "idempotency_key", "lease_token", "queue_rank", "attempts", "key"}
# Ids of X are wider than the numbers of JavaScript.
BIG_INT_COLUMNS = {
    "post_id",
    "reply_post_id",
    "reply_to_post_id",
    "person_id",
    "author_id",
    "actor_id",
    "root_id",
    "seed",
}
BIG_INT_COLUMNS |= {"conversation_id", "in_reply_to_id", "quoted_id", "followed_id", "follower_id", "muted_person_id"}

PICTURES_STMT = (
    select(pictures.c.id, pictures.c.creation_id, pictures.c.position, pictures.c.key)
    .join(creations)
    .where(*visible_to_owner(bindparam("person_id")), pictures.c.id > bindparam("last"))
    .order_by(pictures.c.id)
    .limit(BATCH_SIZE)
)

# A row as it is exported.
Values = dict[str, JsonValue]
# What is exported besides the columns, by the id of the row.
Details = dict[int, Values]


@dataclass(frozen=True)
class Section:
    """One section: its name, the column of its owner, and the column along which rows are read."""

    name: str
    table: Table
    whose: Column[int]
    along: Column[int]
    load_details: Callable[[Connection, Sequence[RowMapping]], Details] | None = None


def export_sections(engine: Engine, person_id: int) -> Iterator[tuple[str, Iterator[Values]]]:
    """Yield the sections, each with its rows."""
    for part in SECTIONS:
        yield part.name, _rows(engine, part, person_id)


def export_pictures(engine: Engine, person_id: int) -> Iterator[tuple[str, str]]:
    """Yield a user's avatar and own visible pictures: the name in the archive, and the storage key."""
    with read_connection(engine) as connection:
        avatar_key = connection.execute(
            select(people.c.avatar_key).where(people.c.id == person_id)
        ).scalar_one_or_none()
    if avatar_key:
        yield f"avatar{PurePosixPath(avatar_key).suffix}", avatar_key
    last = 0
    while True:
        with read_connection(engine) as connection:
            found = connection.execute(PICTURES_STMT, {"person_id": person_id, "last": last}).all()
        yield from ((_file_name(row.creation_id, row.position, row.key), row.key) for row in found)
        if len(found) < BATCH_SIZE:
            return
        last = found[-1].id


def _file_name(creation_id: int, position: int, key: str) -> str:
    """Return `pictures/17-2.webp` for the second picture of creation 17."""
    return f"pictures/{creation_id}-{position + 1}{PurePosixPath(key).suffix}"


def _rows(engine: Engine, part: Section, person_id: int) -> Iterator[Values]:
    stmt = select(part.table).where(part.whose == person_id).order_by(part.along).limit(BATCH_SIZE)
    batch = stmt
    while True:
        with read_connection(engine) as connection:
            rows = connection.execute(batch).mappings().all()
            details = part.load_details(connection, rows) if part.load_details else {}
        yield from (_row_values(part.table, row) | details.get(row[part.along.name], {}) for row in rows)
        if len(rows) < BATCH_SIZE:
            return
        batch = stmt.where(part.along > rows[-1][part.along.name])


def _row_values(table: Table, row: RowMapping) -> Values:
    return {name: _json_value(table, name, value) for name, value in row.items() if name not in INTERNAL_COLUMNS}


def _json_value(table: Table, column: str, value: str | int | float | datetime | None) -> JsonValue:
    if isinstance(value, datetime):
        return value.isoformat()
    is_big = column in BIG_INT_COLUMNS or (column == "id" and table in (people, posts))
    return str(value) if is_big and value is not None else value


def _load_pictures(connection: Connection, rows: Sequence[RowMapping]) -> Details:
    """Load the addresses of pictures. Only their author can open those of creations that are not public."""
    by_creation: dict[int, list[JsonValue]] = {row["id"]: [] for row in rows}
    stmt = select(pictures).where(pictures.c.creation_id.in_(by_creation))
    for row in connection.execute(stmt.order_by(pictures.c.creation_id, pictures.c.position)):
        by_creation[row.creation_id].append(
            {
                "file": _file_name(row.creation_id, row.position, row.key),
                "address": f"/pictures/{quote(row.key)}",
                "seed": str(row.seed),
                "mime": row.mime,
                "width": row.width,
                "height": row.height,
                "bytes": row.size,
            }
        )
    return {id_: {"address": f"/c/{id_}", "pictures": files} for id_, files in by_creation.items()}


def _load_board_items(connection: Connection, rows: Sequence[RowMapping]) -> Details:
    by_board: dict[int, list[JsonValue]] = {row["id"]: [] for row in rows}
    stmt = select(board_items).where(board_items.c.board_id.in_(by_board))
    for row in connection.execute(stmt.order_by(board_items.c.board_id, board_items.c.at)):
        by_board[row.board_id].append({"id": row.creation_id, "at": row.at.isoformat()})
    return {row["id"]: {"address": f"/b/{row['name']}", "creations": by_board[row["id"]]} for row in rows}


SECTIONS = (
    Section("account", people, people.c.id, people.c.id),
    Section("posts", posts, posts.c.author_id, posts.c.id),
    Section("creations", creations, creations.c.person_id, creations.c.id, _load_pictures),
    Section("likes", likes, likes.c.person_id, likes.c.creation_id),
    Section("comments", comments, comments.c.person_id, comments.c.id),
    Section("follows", follows, follows.c.follower_id, follows.c.followed_id),
    Section("followers", follows, follows.c.followed_id, follows.c.follower_id),
    Section("boards", boards, boards.c.person_id, boards.c.id, _load_board_items),
    Section("shared_boards", board_members, board_members.c.person_id, board_members.c.board_id),
    Section("mutes", mutes, mutes.c.person_id, mutes.c.id),
    Section("notifications", notifications, notifications.c.person_id, notifications.c.id),
    Section("reports", reports, reports.c.person_id, reports.c.id),
    Section("browsers", login_sessions, login_sessions.c.person_id, login_sessions.c.id),
    Section("costs", ledger, ledger.c.person_id, ledger.c.id),
)
