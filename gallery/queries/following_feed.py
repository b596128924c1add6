"""Query the feed of the accounts that a member follows, and whom they might follow.

A page can only hold creations of those authors whose newest creation is newest. One index lookup per author finds
these, so the cost does not depend on how much they have made.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import zip_longest

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Select, bindparam, select, union_all

from core.models import creations, follows, people
from gallery.queries import creations as creation_queries
from gallery.views.creations import Page, UserView
from gallery.views.pagination import Cursor

# Only the last 500 follows are read, as in X's own timeline.
MAX_FOLLOWED = 500
MAX_SUGGESTIONS = 6
# Newest creations whose authors are suggested.
RECENT_CREATIONS = 120

NEWEST_FIRST = (creations.c.published_at.desc(), creations.c.id.desc())
LIMIT = bindparam("limit", type_=Integer)
IS_PUBLIC = (creations.c.published_at.is_not(None),)
IS_PUBLIC_AFTER = (*IS_PUBLIC, creation_queries.IS_AFTER_CURSOR)
# Statements for so many authors are built once: building one takes ten times longer than running it.
CACHED_LENGTHS = (5, 25, 101)


def _authors_stmt(conditions: Sequence[ColumnElement[bool]]) -> Select[int]:
    """Select the followed authors with the newest creations: as many as a page could hold."""
    latest_follows = (
        select(follows.c.followed_id)
        .where(follows.c.follower_id == bindparam("follower_id", type_=BigInteger))
        .order_by(follows.c.at.desc(), follows.c.followed_id.desc())
        .limit(MAX_FOLLOWED)
        .subquery()
    )
    by_author = select(creations.c.id).where(*conditions, creations.c.person_id == latest_follows.c.followed_id)
    newest_id = by_author.order_by(*NEWEST_FIRST).limit(1).scalar_subquery().label("newest_id")
    newest_ids = select(newest_id).select_from(latest_follows).subquery()
    stmt = select(creations.c.person_id).join(newest_ids, newest_ids.c.newest_id == creations.c.id)
    return stmt.order_by(*NEWEST_FIRST).limit(LIMIT)


AUTHORS_STMT, AUTHORS_AFTER_STMT = _authors_stmt(IS_PUBLIC), _authors_stmt(IS_PUBLIC_AFTER)


def list_followed(connection: Connection, person_id: int, *, limit: int, after: Cursor | None = None) -> Page:
    """Return one page of the creations of everyone whom a person follows, newest first."""
    parameters: dict[str, object] = {"limit": limit + 1}
    if after is not None:
        parameters |= {"published_at": after.published_at, "id": after.id}
    authors_stmt = AUTHORS_STMT if after is None else AUTHORS_AFTER_STMT
    author_ids = connection.execute(authors_stmt, parameters | {"follower_id": person_id}).scalars().all()
    if not author_ids:
        return Page([], None)
    length = next((length for length in CACHED_LENGTHS if len(author_ids) <= length), len(author_ids))
    authors = {f"author{index}": author_id for index, author_id in zip_longest(range(length), author_ids)}
    rows = connection.execute(_newest_stmt(length, is_first=after is None), parameters | authors).all()
    views = creation_queries.list_by_ids(connection, [row.id for row in rows[:limit]])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(views, str(Cursor(last.published_at, last.id)) if last else None)


def follows_anybody(connection: Connection, person_id: int) -> bool:
    """Return whether a user follows anyone."""
    stmt = select(follows.c.followed_id).where(follows.c.follower_id == person_id).limit(1)
    return connection.execute(stmt).first() is not None


def suggest_users(connection: Connection, person_id: int) -> list[UserView]:
    """Return recently active accounts that the person does not follow yet, most followed first."""
    recent = (
        select(creations.c.person_id)
        .where(creations.c.published_at.is_not(None))
        .order_by(*NEWEST_FIRST)
        .limit(RECENT_CREATIONS)
    )
    followed_ids = select(follows.c.followed_id).where(follows.c.follower_id == person_id)
    stmt = (
        select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at, people.c.avatar_key)
        .where(
            people.c.id.in_(recent.subquery().select()),
            people.c.id.not_in(followed_ids),
            people.c.id != person_id,
            people.c.hidden_at.is_(None),
            people.c.banned_at.is_(None),
        )
        .order_by(people.c.follower_count.desc(), people.c.id)
        .limit(MAX_SUGGESTIONS)
    )
    return [UserView(*row) for row in connection.execute(stmt)]


@cache
def _newest_stmt(authors: int, *, is_first: bool) -> Select[datetime, int]:
    """Return the statement for the newest creations of so many authors. One whose id is NULL has none."""
    parts = [
        select(creations.c.published_at, creations.c.id)
        .where(*(IS_PUBLIC if is_first else IS_PUBLIC_AFTER), creations.c.person_id == bindparam(f"author{index}"))
        .order_by(*NEWEST_FIRST)
        .limit(LIMIT)
        .subquery()
        for index in range(authors)
    ]
    candidates = union_all(*(select(part) for part in parts)).subquery()
    newest_first = (candidates.c.published_at.desc(), candidates.c.id.desc())
    return select(candidates.c.published_at, candidates.c.id).order_by(*newest_first).limit(LIMIT)
