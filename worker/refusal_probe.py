"""Find out whether X refuses one post or our whole account, when it gives no reason.

X sometimes answers "You are not permitted to perform this action." to a reply that it accepts minutes later (7 of 26 in
2026-10), and to every reply of an account that it restricts. So the first such refusal of a reply is tried once more,
and the second is final. But if replies to several users are refused in a row, with none accepted between them, our
account is refused. The rows hold that state, in X's time.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, select, update
from sqlmodel import Session

from core.database import read_connection, without_index, write_session
from core.models import State, creations
from core.reply_gate import newest_reply_id
from core.states import move
from core.x import time_from_snowflake

FORBIDDEN = "x_forbidden"
# Codes that may concern the post or our account.
AMBIGUOUS_CODES = frozenset({FORBIDDEN, "x_suspended", "x_blocked"})
# So many users refused in a row, without a reason and with no reply accepted between them, mean our account.
USERS_IN_A_ROW = 3
MAX_REVIVED_AGE = timedelta(days=2)
# Seconds before a reply that was refused without a reason is tried once more.
SECOND_ATTEMPT_SECONDS = 300.0
# Seconds for which a post that may be the reason itself waits, so that the next probe is another post.
SKIP_POST_SECONDS = 900.0


def record_refusal(engine: Engine, creation_id: int, at: datetime) -> None:
    """Record when X refused the reply: always after the last accepted reply, however coarse `at` is."""
    accepted = last_accepted_at(engine)
    refused_at = max(at, accepted + timedelta(milliseconds=1)) if accepted else at
    with write_session(engine) as session:
        stmt = update(creations).where(creations.c.id == creation_id)
        session.execute(stmt.values(reply_forbidden_at=refused_at))


def last_accepted_at(engine: Engine) -> datetime | None:
    """Return when X last accepted a reply."""
    with read_connection(engine) as connection:
        newest = newest_reply_id(connection)
    return time_from_snowflake(newest) if newest else None


def was_reply_accepted_since(engine: Engine, refused_at: datetime | None) -> bool:
    """Return whether X accepted another reply after this refusal: then the refusal does not concern our account."""
    accepted = last_accepted_at(engine)
    return refused_at is not None and accepted is not None and accepted > refused_at


def is_account_refused(engine: Engine) -> bool:
    """Return whether replies to enough different users were refused in a row."""
    # Or SQLite finds distinct users along an index of all creations.
    person_id = without_index(creations.c.person_id)
    stmt = select(person_id).where(_refused_in_a_row(engine)).distinct().limit(USERS_IN_A_ROW)
    with read_connection(engine) as connection:
        return len(connection.execute(stmt).all()) >= USERS_IN_A_ROW


def revive(engine: Engine, now: datetime) -> int:
    """Queue replies again whose refusal was taken as final but concerns our account. Returns how many."""
    stmt = select(creations.c.id, creations.c.state).where(
        _refused_in_a_row(engine),
        creations.c.reply_status == FORBIDDEN,
        # Authors of older posts do not expect a reply any more.
        creations.c.created_at > now - MAX_REVIVED_AGE,
    )
    with write_session(engine) as session:
        return sum(_revive(session, row.id, State(row.state), now) for row in session.execute(stmt).all())


def _revive(session: Session, creation_id: int, state: State, now: datetime) -> bool:
    return move(session, creation_id, state, state, next_attempt_at=now, reply_status=None, replied_at=None)


def _refused_in_a_row(engine: Engine) -> ColumnElement[bool]:
    refused_at = creations.c.reply_forbidden_at
    accepted = last_accepted_at(engine)
    return refused_at.is_not(None) if accepted is None else refused_at > accepted
