"""Query the feed of the accounts that a member follows, and whom they might follow.

A page can only hold creations of those authors whose newest creation is newest. One index lookup per author finds
these, so the cost does not depend on how much they have made.
"""

from sqlalchemy import ColumnElement, Connection, Subquery, select, tuple_, union_all

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


def list_followed(connection: Connection, person_id: int, *, limit: int, after: Cursor | None = None) -> Page:
    """Return one page of the creations of everyone whom a person follows, newest first."""
    author_ids = _authors_of_page(connection, person_id, limit + 1, after)
    if not author_ids:
        return Page([], None)
    parts = [select(_newest_of(author_id, limit + 1, after)) for author_id in author_ids]
    candidates = union_all(*parts).subquery()
    stmt = select(candidates.c.published_at, candidates.c.id).order_by(
        candidates.c.published_at.desc(), candidates.c.id.desc()
    )
    rows = connection.execute(stmt.limit(limit + 1)).all()
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


def _authors_of_page(connection: Connection, person_id: int, limit: int, after: Cursor | None) -> list[int]:
    """Return the followed authors with the newest creations, as many as a page could hold."""
    latest_follows = (
        select(follows.c.followed_id)
        .where(follows.c.follower_id == person_id)
        .order_by(follows.c.at.desc(), follows.c.followed_id.desc())
        .limit(MAX_FOLLOWED)
        .subquery()
    )
    by_author = select(creations.c.id).where(
        *_is_public_after(after), creations.c.person_id == latest_follows.c.followed_id
    )
    newest_id = by_author.order_by(*NEWEST_FIRST).limit(1).scalar_subquery().label("id")
    newest_ids = select(newest_id).select_from(latest_follows).subquery()
    stmt = select(creations.c.person_id).join(newest_ids, newest_ids.c.id == creations.c.id)
    return list(connection.execute(stmt.order_by(*NEWEST_FIRST).limit(limit)).scalars())


def _newest_of(person_id: int, limit: int, after: Cursor | None) -> Subquery:
    stmt = select(creations.c.published_at, creations.c.id).where(
        *_is_public_after(after), creations.c.person_id == person_id
    )
    return stmt.order_by(*NEWEST_FIRST).limit(limit).subquery()


def _is_public_after(after: Cursor | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [creations.c.published_at.is_not(None)]
    if after is not None:
        conditions.append(tuple_(creations.c.published_at, creations.c.id) < (after.published_at, after.id))
    return conditions
