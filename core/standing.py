"""How people stand with the house: who said stop, who is banned, how much they asked for lately. Reads only.

The same for what is asked on X and in the gallery: who wished for 50 pictures there has had them here, too. Knows no
rule; `bot/rules.py` and `gallery/composing/rules.py` say what follows from it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from core.models import State, creations, people, posts

A_DAY = timedelta(days=1)
# Bound variables per query: SQLite allows 32,766, PostgreSQL 65,535.
ASK_AT_ONCE = 5_000

_answered = or_(creations.c.state != State.REFUSED.value, creations.c.says.is_not(None))
_painted = and_(creations.c.state != State.REFUSED.value, creations.c.says.is_(None))


@dataclass(frozen=True)
class Standing:
    """How a person stands with us at this moment.

    follows_bot: as X said when they signed in last, where the host wants to know.
    asked: creations of the last 24 hours. told: answers in words of the same time, told_codes: what they were about.
    last_asked_at: by X's time.
    in_conversation: answers of the last 24 hours in the conversation of the post that is judged.
    """

    opted_out: bool = False
    banned: bool = False
    follows_bot: bool = False
    asked: int = 0
    told: int = 0
    last_asked_at: datetime | None = None
    in_conversation: int = 0
    told_codes: frozenset[str] = frozenset()


def some(ids: Collection[int]) -> Iterator[list[int]]:
    """The ids in portions that fit into one query."""
    listed = sorted(set(ids))
    for start in range(0, len(listed), ASK_AT_ONCE):
        yield listed[start : start + ASK_AT_ONCE]


def standings(connection: Connection, person_ids: Collection[int], since: datetime) -> dict[int, Standing]:
    """How each person stands, counted from `since`; who is not known stands well."""
    found: dict[int, Standing] = {}
    for ids in some(person_ids):
        counts = {row.person_id: row for row in connection.execute(_counts(ids, since))}
        known = {row.id: row for row in connection.execute(select(people).where(people.c.id.in_(ids)))}
        codes = _told_codes(connection, ids, since)
        found |= {one: _standing(known.get(one), counts.get(one), codes.get(one, frozenset())) for one in ids}
    return found


def answers_in(connection: Connection, conversation_ids: Collection[int], since: datetime) -> dict[int, int]:
    """How often the bot answered, or is about to, in each conversation: who asked there, or from the gallery."""
    asked_there = (creations.c.post_id == posts.c.id, posts.c.created_at >= since)
    asked_here = (creations.c.answers_post_id == posts.c.id, creations.c.created_at >= since)
    counts: dict[int, int] = {}
    for ids in some(conversation_ids):
        for behind, recent in (asked_there, asked_here):
            wanted = (
                select(posts.c.conversation_id, func.count())
                .join(creations, behind)
                .where(posts.c.conversation_id.in_(ids), recent, _answered)
                .group_by(posts.c.conversation_id)
            )
            for conversation, count in connection.execute(wanted):
                counts[int(conversation)] = counts.get(int(conversation), 0) + int(count)
    return counts


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


def _told_codes(connection: Connection, ids: list[int], since: datetime) -> dict[int, frozenset[str]]:
    stmt = (
        select(creations.c.person_id, creations.c.code)
        .where(creations.c.person_id.in_(ids), creations.c.created_at >= since)
        .where(creations.c.says.is_not(None), creations.c.code.is_not(None))
        .distinct()
    )
    codes: dict[int, frozenset[str]] = {}
    for person_id, code in connection.execute(stmt):
        codes[person_id] = codes.get(person_id, frozenset()) | {code}
    return codes


def _standing(person: Any, counts: Any, told_codes: frozenset[str]) -> Standing:
    return Standing(
        opted_out=person is not None and person.opted_out_at is not None,
        banned=person is not None and person.banned_at is not None,
        follows_bot=person is not None and person.follows_bot_at is not None,
        asked=int(counts.asked) if counts else 0,
        told=int(counts.told) if counts else 0,
        last_asked_at=counts.last_asked_at if counts else None,
        told_codes=told_codes,
    )
