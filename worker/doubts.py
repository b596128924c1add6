"""Finds out whom a refusal of X is about that gives no reason: one post, or our account.

X sometimes answers "You are not permitted to perform this action." to a reply that it takes minutes later (7 of 26 in
2026-10), and to every reply of an account that it restricts. So the first such refusal of a reply is tried once more,
the second is final; but replies to several people refused in a row, with none taken between them, mean us. The rows
are the memory of it; their times are X's.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.database import reading, transaction
from core.models import State, creations
from core.states import move
from core.x import time_of

FORBIDDEN = "x_forbidden"
# Codes that may be about the post as well as about us.
MAY_BE_THE_POST = frozenset({FORBIDDEN, "x_suspended", "x_blocked"})
# Replies to so many different people, refused without a reason and with none taken between them, mean us.
PEOPLE_IN_A_ROW = 3
REVIVED_WITHIN = timedelta(days=2)
# Seconds before a reply that was refused without a reason is tried once more.
ONCE_MORE_AFTER = 300.0
# Seconds for which a post that may be the reason itself steps aside, so that the next probe is another one.
STEPS_ASIDE_FOR = 900.0


def note_refusal(engine: Engine, creation_id: int, moment: datetime) -> None:
    """Write down when X refused it; always after the last reply that X took, however coarse `moment` is."""
    taken = last_taken(engine)
    at = max(moment, taken + timedelta(milliseconds=1)) if taken else moment
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(reply_forbidden_at=at))


def last_taken(engine: Engine) -> datetime | None:
    """When X took a reply the last time."""
    with reading(engine) as connection:
        newest = connection.execute(select(func.max(creations.c.reply_post_id))).scalar()
    return time_of(newest) if newest else None


def was_taken_since(engine: Engine, refused_at: datetime | None) -> bool:
    """Whether X has taken replies to others after it refused this one: then the refusal is not about us."""
    taken = last_taken(engine)
    return refused_at is not None and taken is not None and taken > refused_at


def means_us(engine: Engine) -> bool:
    """Whether enough different people were refused in a row."""
    wanted = select(creations.c.person_id).where(_refused_in_a_row(engine)).distinct().limit(PEOPLE_IN_A_ROW)
    with reading(engine) as connection:
        return len(connection.execute(wanted).all()) >= PEOPLE_IN_A_ROW


def revive(engine: Engine, moment: datetime) -> int:
    """Let those wait again whose refusal was thought to be final and is about us. Returns how many."""
    final = select(creations.c.id, creations.c.state).where(
        _refused_in_a_row(engine),
        creations.c.reply_outcome == FORBIDDEN,
        # Who asked long ago does not wait for a reply any more.
        creations.c.created_at > moment - REVIVED_WITHIN,
    )
    with transaction(engine) as session:
        return sum(_revive(session, row, moment) for row in session.execute(final).all())


def _revive(session: Session, row: Any, moment: datetime) -> bool:
    state = State(row.state)
    return move(session, row.id, state, state, next_attempt_at=moment, reply_outcome=None, replied_at=None)


def _refused_in_a_row(engine: Engine) -> Any:
    refused = creations.c.reply_forbidden_at
    taken = last_taken(engine)
    return refused.is_not(None) if taken is None else refused > taken
