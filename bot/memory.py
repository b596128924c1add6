"""What the house remembers around posts: what they stand under, how their authors stand. Reads only."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, case, func, or_, select

from bot.asking import Target
from bot.options import Options
from bot.rules import Standing
from core.database import reading
from core.models import State, creations, people, pictures, posts

# Bound variables per query: SQLite allows 32,766, PostgreSQL 65,535.
ASK_AT_ONCE = 5_000

_answered = or_(creations.c.state != State.REFUSED.value, creations.c.says.is_not(None))
_painted = and_(creations.c.state != State.REFUSED.value, creations.c.says.is_(None))


def some(ids: Collection[int]) -> Iterator[list[int]]:
    """The ids in portions that fit into one query."""
    listed = sorted(set(ids))
    for start in range(0, len(listed), ASK_AT_ONCE):
        yield listed[start : start + ASK_AT_ONCE]


def targets(engine: Engine, post_ids: Collection[int]) -> dict[int, Target]:
    """For posts that are answers of the bot, or that it answered: the creation behind each."""
    found: dict[int, Target] = {}
    wanted = set(post_ids)
    with reading(engine) as connection:
        for ids in some(wanted):
            edited = _edited(connection, ids)
            for row in connection.execute(_creations_behind([*ids, *edited.values()])):
                # One look may hold posts under both: the answer, and the post that was answered.
                found |= {row.post_id: _target(row, is_answer=False), row.reply_post_id: _target(row, is_answer=True)}
            found |= {root: found[post_id] for root, post_id in edited.items() if post_id in found}
    return {post_id: target for post_id, target in found.items() if post_id in wanted}


def standings(engine: Engine, person_ids: Collection[int], since: datetime) -> dict[int, Standing]:
    """How each person stands, counted from `since`; who is not known stands well."""
    found: dict[int, Standing] = {}
    with reading(engine) as connection:
        for ids in some(person_ids):
            counts = {row.person_id: row for row in connection.execute(_counts(ids, since))}
            known = {row.id: row for row in connection.execute(select(people).where(people.c.id.in_(ids)))}
            found |= {one: _standing(known.get(one), counts.get(one)) for one in ids}
    return found


def answers_in(engine: Engine, conversation_ids: Collection[int], since: datetime) -> dict[int, int]:
    """How often the bot answered, or is about to, in each conversation."""
    counts: dict[int, int] = {}
    with reading(engine) as connection:
        for ids in some(conversation_ids):
            wanted = (
                select(posts.c.conversation_id, func.count())
                .join(creations, creations.c.post_id == posts.c.id)
                .where(posts.c.conversation_id.in_(ids), posts.c.created_at >= since, _answered)
                .group_by(posts.c.conversation_id)
            )
            counts |= {int(conversation): int(count) for conversation, count in connection.execute(wanted)}
    return counts


def silent_people(engine: Engine, person_ids: Collection[int]) -> frozenset[int]:
    """Those of them whose words are not ours to paint: they said stop, or X hides them."""
    with reading(engine) as connection:
        return frozenset(number for ids in some(person_ids) for number in _silent(connection, ids))


def _silent(connection: Connection, ids: list[int]) -> list[int]:
    silent = or_(people.c.opted_out_at.is_not(None), people.c.hidden_at.is_not(None))
    return list(connection.execute(select(people.c.id).where(people.c.id.in_(ids), silent)).scalars())


def _edited(connection: Connection, ids: list[int]) -> dict[int, int]:
    """Of those ids that were edited before we read them: the id under which they are written down."""
    wanted = select(posts.c.root_id, posts.c.id).where(posts.c.root_id.in_(ids), posts.c.id != posts.c.root_id)
    return {row.root_id: row.id for row in connection.execute(wanted)}


def _creations_behind(post_ids: list[int]) -> Any:
    first = and_(pictures.c.creation_id == creations.c.id, pictures.c.position == 0)
    behind = or_(creations.c.reply_post_id.in_(post_ids), creations.c.post_id.in_(post_ids))
    return select(creations, pictures.c.key.label("picture_key")).outerjoin(pictures, first).where(behind)


def _target(row: Any, is_answer: bool) -> Target:
    options = Options(
        count=row._mapping[creations.c.count],
        steps=row.steps,
        style=row.style,
        negative=row.negative_prompt or None,
        aspect_ratio=row.aspect_ratio,
    )
    target = Target(
        creation_id=row.id,
        person_id=row.person_id,
        is_answer=is_answer,
        prompt=row.prompt,
        options=options,
        picture_key=row.picture_key,
        start_url=row.start_url,
        start_key=row.start_key,
    )
    return target.emptied() if row.deleted_at is not None else target


def _counts(ids: list[int], since: datetime) -> Any:
    asked_at = func.coalesce(posts.c.created_at, creations.c.created_at)
    return (
        select(
            creations.c.person_id,
            func.sum(case((_painted, 1), else_=0)).label("asked"),
            func.sum(case((creations.c.says.is_not(None), 1), else_=0)).label("told"),
            func.max(case((_painted, asked_at))).label("last_asked_at"),
        )
        .outerjoin(posts, posts.c.id == creations.c.post_id)
        .where(creations.c.person_id.in_(ids), creations.c.created_at >= since)
        .group_by(creations.c.person_id)
    )


def _standing(person: Any, counts: Any) -> Standing:
    return Standing(
        opted_out=person is not None and person.opted_out_at is not None,
        banned=person is not None and person.banned_at is not None,
        asked=int(counts.asked) if counts else 0,
        told=int(counts.told) if counts else 0,
        last_asked_at=counts.last_asked_at if counts else None,
    )
