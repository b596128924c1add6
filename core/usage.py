"""Load how much users requested recently, and whether they are banned or opted out.

Requests on X and in the gallery count together. `bot/policy.py` and `gallery/services/composer_policy.py` hold the
rules.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, func, or_, select

from core.models import State, creations, people, posts

A_DAY = timedelta(days=1)
# Bound variables per query: SQLite allows 32,766, PostgreSQL 65,535.
BATCH_SIZE = 5_000

_is_text_reply = creations.c.reply_text.is_not(None)
_is_replied_to = or_(creations.c.state != State.REFUSED.value, _is_text_reply)
_is_generated = and_(creations.c.state != State.REFUSED.value, creations.c.reply_text.is_(None))
_requested_at = func.coalesce(posts.c.created_at, creations.c.created_at)

# Statements are built once: building one takes longer than running it.
_ids = bindparam("ids", expanding=True, type_=BigInteger)
_is_recent = creations.c.created_at >= bindparam("since", type_=creations.c.created_at.type)
FLAGS_STMT = select(
    people.c.id,
    people.c.opted_out_at.is_not(None),
    people.c.banned_at.is_not(None),
    people.c.follows_bot_at.is_not(None),
).where(people.c.id.in_(_ids))
COUNTS_STMT = (
    select(
        creations.c.person_id,
        func.sum(case((_is_generated, 1), else_=0)),
        func.sum(case((_is_text_reply, 1), else_=0)),
        func.max(case((_is_generated, _requested_at))),
    )
    .outerjoin(posts, posts.c.id == creations.c.post_id)
    .where(creations.c.person_id.in_(_ids), _is_recent)
    .group_by(creations.c.person_id)
)
TEXT_REPLY_CODES_STMT = (
    select(creations.c.person_id, creations.c.reason_code)
    .where(creations.c.person_id.in_(_ids), _is_recent, _is_text_reply, creations.c.reason_code.is_not(None))
    .distinct()
)


@dataclass(frozen=True)
class UserUsage:
    """What a user requested in the last 24 hours, and whether the user may request more.

    Attributes:
        follows_bot: as X reported at the last sign-in, if the operator requires it.
        creations: pictures requested.
        text_replies: replies without a picture.
        last_requested_at: by X's clock.
        replies_in_conversation: replies in the conversation of the post in question.
        text_reply_codes: reason codes of the text replies.
    """

    opted_out: bool = False
    banned: bool = False
    follows_bot: bool = False
    creations: int = 0
    text_replies: int = 0
    last_requested_at: datetime | None = None
    replies_in_conversation: int = 0
    text_reply_codes: frozenset[str] = frozenset()


def batched(ids: Collection[int]) -> Iterator[list[int]]:
    """Yield the distinct ids in sorted lists that fit into one query."""
    distinct = sorted(set(ids))
    for start in range(0, len(distinct), BATCH_SIZE):
        yield distinct[start : start + BATCH_SIZE]


def load_usage(connection: Connection, person_ids: Collection[int], since: datetime) -> dict[int, UserUsage]:
    """Return the usage of each user since a time. Unknown users have none."""
    usage = dict.fromkeys(person_ids, UserUsage())
    for ids in batched(person_ids):
        parameters = {"ids": ids, "since": since}
        for person_id, opted_out, banned, follows_bot in connection.execute(FLAGS_STMT, {"ids": ids}):
            usage[person_id] = replace(
                usage[person_id],
                opted_out=bool(opted_out),
                banned=bool(banned),
                follows_bot=bool(follows_bot),
            )
        for person_id, generated, text_replies, last_requested_at in connection.execute(COUNTS_STMT, parameters):
            usage[person_id] = replace(
                usage[person_id],
                creations=int(generated),
                text_replies=int(text_replies),
                last_requested_at=last_requested_at,
            )
        for person_id, code in connection.execute(TEXT_REPLY_CODES_STMT, parameters):
            codes = usage[person_id].text_reply_codes | {code}
            usage[person_id] = replace(usage[person_id], text_reply_codes=codes)
    return usage


def count_replies_by_conversation(
    connection: Connection, conversation_ids: Collection[int], since: datetime
) -> dict[int, int]:
    """Count the bot's replies per conversation, posted or pending, whether requested on X or in the gallery."""
    requested_on_x = (creations.c.post_id == posts.c.id, posts.c.created_at >= since)
    requested_here = (creations.c.reply_to_post_id == posts.c.id, creations.c.created_at >= since)
    counts: dict[int, int] = {}
    for ids in batched(conversation_ids):
        for joined, is_recent in (requested_on_x, requested_here):
            stmt = (
                select(posts.c.conversation_id, func.count())
                .join(creations, joined)
                .where(posts.c.conversation_id.in_(ids), is_recent, _is_replied_to)
                .group_by(posts.c.conversation_id)
            )
            for conversation_id, count in connection.execute(stmt):
                counts[int(conversation_id)] = counts.get(int(conversation_id), 0) + int(count)
    return counts
