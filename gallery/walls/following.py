"""What people whom a member follows had painted, newest first; and whom a newcomer might follow. Knows no HTTP.

Of a few hundred people at most a page's worth can be on a page: those whose newest one is newest. So one look into the
index per person finds them, and only their creations are read, however many there are.
"""

from typing import Any

from sqlalchemy import Connection, Select, Subquery, select, tuple_, union_all

from core.models import creations, follows, people
from gallery import queries
from gallery.keyset import After
from gallery.shown import Page, PersonShown

# Of those followed last. X itself reads no more of a timeline than that.
MOST_FOLLOWED = 500
MOST_SUGGESTED = 6
LOOKED_AT = 120

WALL = (creations.c.shown_at.desc(), creations.c.id.desc())


def followed(connection: Connection, person_id: int, *, limit: int, after: After | None = None) -> Page:
    """One page of the creations of all whom somebody follows."""
    authors = _authors_of_page(connection, person_id, limit + 1, after)
    if not authors:
        return Page([], None)
    parts = [select(_newest_of(one, limit + 1, after)) for one in authors]
    found = union_all(*parts).subquery()
    order = (found.c.shown_at.desc(), found.c.id.desc())
    rows = connection.execute(select(found.c.shown_at, found.c.id).order_by(*order).limit(limit + 1)).all()
    shown = queries.by_ids(connection, [row.id for row in rows[:limit]])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(shown, str(After(last.shown_at, last.id)) if last else None)


def follows_anybody(connection: Connection, person_id: int) -> bool:
    """Whether somebody follows anybody at all."""
    wanted = select(follows.c.followed_id).where(follows.c.follower_id == person_id).limit(1)
    return connection.execute(wanted).first() is not None


def suggested(connection: Connection, person_id: int) -> list[PersonShown]:
    """Whom somebody might follow: who painted lately and is followed most, and not by them yet."""
    lately = select(creations.c.person_id).where(creations.c.shown_at.is_not(None)).order_by(*WALL).limit(LOOKED_AT)
    known = select(follows.c.followed_id).where(follows.c.follower_id == person_id)
    wanted = (
        select(people.c.id, people.c.username, people.c.name)
        .where(
            people.c.id.in_(lately.subquery().select()),
            people.c.id.not_in(known),
            people.c.id != person_id,
            people.c.hidden_at.is_(None),
            people.c.banned_at.is_(None),
        )
        .order_by(people.c.followers.desc(), people.c.id)
        .limit(MOST_SUGGESTED)
    )
    return [PersonShown(*row) for row in connection.execute(wanted)]


def _authors_of_page(connection: Connection, person_id: int, limit: int, after: After | None) -> list[int]:
    """Those whose newest creations are newest, as many as a page could hold."""
    latest_follows = (
        select(follows.c.followed_id)
        .where(follows.c.follower_id == person_id)
        .order_by(follows.c.at.desc(), follows.c.followed_id.desc())
        .limit(MOST_FOLLOWED)
        .subquery()
    )
    newest = _older(select(creations.c.id), after).where(creations.c.person_id == latest_follows.c.followed_id)
    their_newest = select(newest.order_by(*WALL).limit(1).scalar_subquery().label("id")).select_from(latest_follows)
    ids = their_newest.subquery()
    wanted = select(creations.c.person_id).join(ids, ids.c.id == creations.c.id).order_by(*WALL).limit(limit)
    return list(connection.execute(wanted).scalars())


def _newest_of(person_id: int, limit: int, after: After | None) -> Subquery:
    wanted = _older(select(creations.c.shown_at, creations.c.id), after).where(creations.c.person_id == person_id)
    return wanted.order_by(*WALL).limit(limit).subquery()


def _older(wanted: Select[Any], after: After | None) -> Select[Any]:
    wanted = wanted.where(creations.c.shown_at.is_not(None))
    if after is None:
        return wanted
    return wanted.where(tuple_(creations.c.shown_at, creations.c.id) < (after.shown_at, after.id))
