"""Likes: written together with their count; who likes a creation, and what somebody likes. Knows no HTTP."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Integer, Select, bindparam, delete, select, tuple_, update
from sqlmodel import Session

from core.clock import now
from core.counting import lock
from core.database import insert_new, transaction, unlocked
from core.models import Kind, creations, likings, people
from core.notifying import notify
from gallery.creation_rows import WITH_PERSON, with_pictures
from gallery.keyset import After
from gallery.shown import Page
from gallery.social import telling
from gallery.social.listed import Listed, listed

# Bound variables per statement: SQLite allows 32,766.
MOST_ASKED = 500
LIKED_AMONG = select(likings.c.creation_id).where(
    likings.c.person_id == bindparam("person_id", type_=BigInteger),
    likings.c.creation_id.in_(bindparam("ids", expanding=True)),
)


@unlocked
def like(engine: Engine, person_id: int, creation_id: int) -> int | None:
    """Like what hangs; twice is once. Returns how many like it now, None where nothing hangs."""
    with transaction(engine) as session:
        author_id = telling.author_of_shown(session, creation_id)
        if author_id is None:
            return None
        if not insert_new(session, likings, person_id=person_id, creation_id=creation_id, at=now()):
            return _likes_of(session, creation_id)
        likes = _count(session, creation_id, 1)
        if telling.may_be_told_of(session, person_id):
            key = _key(creation_id, person_id)
            notify(session, author_id, Kind.LIKED, key=key, actor_id=person_id, creation_id=creation_id)
        return likes


@unlocked
def unlike(engine: Engine, person_id: int, creation_id: int) -> int | None:
    """Like it no more, whether it still hangs or not. Returns how many like it now, None where there is none such."""
    with transaction(engine) as session:
        lock(session, creations, [creation_id])
        theirs = (likings.c.person_id == person_id, likings.c.creation_id == creation_id)
        gone = session.execute(delete(likings).where(*theirs).returning(likings.c.creation_id)).first()
        if gone is None:
            return _likes_of(session, creation_id)
        telling.untell(session, _key(creation_id, person_id))
        return _count(session, creation_id, -1)


def liked_among(connection: Connection, person_id: int | None, creation_ids: Iterable[int]) -> set[int]:
    """Which of these creations somebody likes. Of a stranger that is none."""
    wanted = list(creation_ids)[:MOST_ASKED]
    if person_id is None or not wanted:
        return set()
    return set(connection.execute(LIKED_AMONG, {"person_id": person_id, "ids": wanted}).scalars())


def likers(connection: Connection, creation_id: int, *, limit: int, after: After | None = None) -> Listed:
    """Who likes a creation, the latest first, without those who are hidden."""
    order = (likings.c.at, likings.c.person_id)
    wanted = select(people, likings.c.at.label("at")).join_from(likings, people, people.c.id == likings.c.person_id)
    return listed(connection, wanted.where(likings.c.creation_id == creation_id), order, limit=limit, after=after)


def liked_by(connection: Connection, person_id: int, *, limit: int, after: After | None = None) -> Page:
    """What somebody likes and still hangs, liked last first."""
    given: dict[str, object] = {"person_id": person_id, "limit": limit + 1}
    if after is not None:
        given |= {"at": after.shown_at, "id": after.id}
    rows = connection.execute(_liked(after is not None), given).all()
    shown = with_pictures(connection, [row[:-1] for row in rows[:limit]])
    return Page(shown, str(After(rows[limit - 1].liked_at, shown[-1].id)) if len(rows) > limit else None)


# Put together once: it takes longer than asking them.
@cache
def _liked(goes_on: bool) -> Select[Any]:
    """The question for a page of what somebody likes, the first or one further on."""
    wanted = (
        WITH_PERSON.add_columns(likings.c.at.label("liked_at"))
        .join(likings, likings.c.creation_id == creations.c.id)
        .where(likings.c.person_id == bindparam("person_id", type_=BigInteger), creations.c.shown_at.is_not(None))
        .order_by(likings.c.at.desc(), likings.c.creation_id.desc())
        .limit(bindparam("limit", type_=Integer))
    )
    before = tuple_(bindparam("at", type_=likings.c.at.type), bindparam("id", type_=BigInteger))
    return wanted.where(tuple_(likings.c.at, likings.c.creation_id) < before) if goes_on else wanted


def _count(session: Session, creation_id: int, step: int) -> int:
    counted = update(creations).where(creations.c.id == creation_id).values(likes=creations.c.likes + step)
    return int(session.execute(counted.returning(creations.c.likes)).scalar_one())


def _likes_of(session: Session, creation_id: int) -> int | None:
    likes: Any = session.execute(select(creations.c.likes).where(creations.c.id == creation_id)).scalar_one_or_none()
    return None if likes is None else int(likes)


def _key(creation_id: int, person_id: int) -> str:
    return f"liked:{creation_id}:{person_id}"
