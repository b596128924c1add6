"""Everything that the house holds on one person, a part at a time, as plain values. Knows no HTTP.

Each part is read in short steps along its key: nothing is held open while a slow line takes it, and the largest account
needs no more memory than the smallest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from sqlalchemy import Column, ColumnElement, Connection, Engine, RowMapping, Table, bindparam, select

from core.database import reading
from core.models import (
    boards,
    collected,
    comments,
    creations,
    follows,
    ledger,
    likings,
    logins,
    notifications,
    people,
    pictures,
    posts,
    reports,
)
from gallery.seen_files import own

AT_ONCE = 500
# Columns of our own housekeeping, and secrets: the digest of a cookie, sealed tokens, the names of forms.
OURS = {"digest", "tokens", "once", "claim", "turn", "attempts", "key"}
# Ids of X are wider than the numbers of JavaScript.
WIDE = {"post_id", "reply_post_id", "answers_post_id", "person_id", "author_id", "actor_id", "root_id", "seed"}
WIDE |= {"conversation_id", "in_reply_to_id", "quoted_id", "followed_id", "follower_id"}

PICTURES = (
    select(pictures.c.id, pictures.c.creation_id, pictures.c.position, pictures.c.key)
    .join(creations)
    .where(*own(bindparam("person_id")), pictures.c.id > bindparam("last"))
    .order_by(pictures.c.id)
    .limit(AT_ONCE)
)

Values = dict[str, Any]
More = Callable[[Connection, list[Values]], None]


@dataclass(frozen=True)
class Part:
    """One part: its name, whose rows it holds, and the column along which they are read."""

    name: str
    table: Table
    whose: Column[Any]
    along: Column[Any]
    more: More | None = None


def held_on(engine: Engine, person_id: int) -> Iterator[tuple[str, Iterator[Values]]]:
    """The parts, each with its rows."""
    for part in PARTS:
        yield part.name, _rows(engine, part, person_id)


def pictures_of(engine: Engine, person_id: int) -> Iterator[tuple[str, str]]:
    """What somebody may see of their own: the name in the file that they take along, and the key of the storage."""
    last = 0
    while True:
        with reading(engine) as connection:
            found = connection.execute(PICTURES, {"person_id": person_id, "last": last}).all()
        yield from ((_file(row), row.key) for row in found)
        if len(found) < AT_ONCE:
            return
        last = found[-1].id


def _file(picture: Any) -> str:
    """`pictures/17-2.webp`: the second of creation 17."""
    return f"pictures/{picture.creation_id}-{picture.position + 1}{PurePosixPath(picture.key).suffix}"


def _rows(engine: Engine, part: Part, person_id: int) -> Iterator[Values]:
    last: Any = None
    while True:
        with reading(engine) as connection:
            found = connection.execute(_step(part, person_id, last)).mappings().all()
            values = [_values(part, row) for row in found]
            if part.more:
                part.more(connection, values)
        yield from values
        if len(found) < AT_ONCE:
            return
        last = found[-1][part.along.name]


def _step(part: Part, person_id: int, last: Any) -> Any:
    wanted = select(part.table).where(part.whose == person_id).order_by(part.along).limit(AT_ONCE)
    after: ColumnElement[bool] | None = None if last is None else part.along > last
    return wanted if after is None else wanted.where(after)


def _values(part: Part, row: RowMapping) -> Values:
    is_x = part.table in (people, posts)
    return {
        name: str(value) if value is not None and (name in WIDE or (is_x and name == "id")) else _plain(value)
        for name, value in row.items()
        if name not in OURS
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _with_pictures(connection: Connection, made: list[Values]) -> None:
    """Addresses of the pictures. Those of creations that do not hang open for their author alone."""
    for values in made:
        values["address"], values["pictures"] = f"/c/{values['id']}", []
    by_id = {values["id"]: values for values in made}
    wanted = select(pictures).where(pictures.c.creation_id.in_(by_id)).order_by(pictures.c.creation_id)
    for row in connection.execute(wanted.order_by(pictures.c.position)):
        picture = {
            "file": _file(row),
            "address": f"/pictures/{quote(row.key)}",
            "seed": str(row.seed),
            "mime": row.mime,
        }
        size = {"width": row.width, "height": row.height, "bytes": row.size}
        by_id[row.creation_id]["pictures"].append(picture | size)


def _with_creations(connection: Connection, made: list[Values]) -> None:
    by_id = {values["id"]: values for values in made}
    for values in made:
        values["address"], values["creations"] = f"/b/{values['name']}", []
    wanted = select(collected).where(collected.c.board_id.in_(by_id)).order_by(collected.c.board_id, collected.c.at)
    for row in connection.execute(wanted):
        by_id[row.board_id]["creations"].append({"id": row.creation_id, "at": row.at.isoformat()})


PARTS = (
    Part("account", people, people.c.id, people.c.id),
    Part("posts", posts, posts.c.author_id, posts.c.id),
    Part("creations", creations, creations.c.person_id, creations.c.id, _with_pictures),
    Part("likes", likings, likings.c.person_id, likings.c.creation_id),
    Part("comments", comments, comments.c.person_id, comments.c.id),
    Part("follows", follows, follows.c.follower_id, follows.c.followed_id),
    Part("followers", follows, follows.c.followed_id, follows.c.follower_id),
    Part("boards", boards, boards.c.person_id, boards.c.id, _with_creations),
    Part("notifications", notifications, notifications.c.person_id, notifications.c.id),
    Part("reports", reports, reports.c.person_id, reports.c.id),
    Part("browsers", logins, logins.c.person_id, logins.c.id),
    Part("costs", ledger, ledger.c.person_id, ledger.c.id),
)
