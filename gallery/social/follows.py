"""Follows: written together with both counts; who follows whom. Knows no HTTP."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update
from sqlmodel import Session

from core.clock import now
from core.counting import lock
from core.database import insert_new, transaction, unlocked
from core.models import Kind, follows, people
from core.notifying import notify
from gallery.keyset import After
from gallery.social import telling
from gallery.social.listed import Listed, listed

# Bound variables per statement: SQLite allows 32,766.
MOST_ASKED = 500


@unlocked
def follow(engine: Engine, follower_id: int, followed_id: int) -> int:
    """Follow somebody; twice is once, and nobody follows themselves. Returns how many follow them now."""
    with transaction(engine) as session:
        pair = {"follower_id": follower_id, "followed_id": followed_id}
        if follower_id != followed_id and insert_new(session, follows, **pair, at=now()):
            _count(session, follower_id, followed_id, 1)
            if telling.may_be_told_of(session, follower_id):
                key = _key(follower_id, followed_id)
                notify(session, followed_id, Kind.FOLLOWED, key=key, actor_id=follower_id)
        return _followers_of(session, followed_id)


@unlocked
def unfollow(engine: Engine, follower_id: int, followed_id: int) -> int:
    """Follow them no more. Returns how many follow them now."""
    with transaction(engine) as session:
        lock(session, people, [follower_id, followed_id])
        pair = (follows.c.follower_id == follower_id, follows.c.followed_id == followed_id)
        if session.execute(delete(follows).where(*pair).returning(follows.c.followed_id)).first() is not None:
            _count(session, follower_id, followed_id, -1)
            telling.untell(session, _key(follower_id, followed_id))
        return _followers_of(session, followed_id)


def followed_among(connection: Connection, person_id: int | None, others: Iterable[int]) -> set[int]:
    """Which of these people somebody follows. A stranger follows nobody."""
    wanted = list(others)[:MOST_ASKED]
    if person_id is None or not wanted:
        return set()
    theirs = select(follows.c.followed_id).where(follows.c.follower_id == person_id)
    return set(connection.execute(theirs.where(follows.c.followed_id.in_(wanted))).scalars())


def followers_of(connection: Connection, person_id: int, *, limit: int, after: After | None = None) -> Listed:
    """Who follows somebody, the latest first."""
    wanted = select(people, follows.c.at.label("at")).join_from(follows, people, people.c.id == follows.c.follower_id)
    order = (follows.c.at, follows.c.follower_id)
    return listed(connection, wanted.where(follows.c.followed_id == person_id), order, limit=limit, after=after)


def followed_by(connection: Connection, person_id: int, *, limit: int, after: After | None = None) -> Listed:
    """Whom somebody follows, the latest first."""
    wanted = select(people, follows.c.at.label("at")).join_from(follows, people, people.c.id == follows.c.followed_id)
    order = (follows.c.at, follows.c.followed_id)
    return listed(connection, wanted.where(follows.c.follower_id == person_id), order, limit=limit, after=after)


def _count(session: Session, follower_id: int, followed_id: int, step: int) -> None:
    """Both counts, in the order of the ids: two who follow each other at once do not wait for each other."""
    counts: dict[int, Any] = {
        follower_id: {"follows": people.c.follows + step},
        followed_id: {"followers": people.c.followers + step},
    }
    for person_id in sorted(counts):
        session.execute(update(people).where(people.c.id == person_id).values(**counts[person_id]))


def _followers_of(session: Session, person_id: int) -> int:
    return int(session.execute(select(people.c.followers).where(people.c.id == person_id)).scalar_one())


def _key(follower_id: int, followed_id: int) -> str:
    return f"followed:{followed_id}:{follower_id}"
