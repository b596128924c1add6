"""Order creations fairly: start-time fair queueing, stored in one column.

A creation's rank is the larger of the rank being served now and the one after its author's last. A user's first prompt
goes right behind those being served, and a user with 300 prompts gets one per round.
"""

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from core.clock import now
from core.models import State, creations

rank = creations.c.queue_rank
# Queried state by state: each is the first entry of a small index. One query for all states reads the whole table.
WAITING_STATES = (State.QUEUED, State.PAINTING, State.PAINTED, State.REPLYING, State.REFUSED)


def next_rank(connection: Connection, person_id: int) -> int:
    """Return the rank of a user's new creation. Flush earlier creations of the same transaction first."""
    last_own = _read_rank(connection, select(func.max(rank)).where(creations.c.person_id == person_id))
    return max(current_rank(connection), last_own + 1)


def current_rank(connection: Connection) -> int:
    """Return the rank being served: the lowest that waits; the highest ever given if none waits.

    Creations in backoff do not count: otherwise one would hold back the virtual clock for hours.
    """
    is_leased, is_due = creations.c.lease_token.is_not(None), creations.c.next_attempt_at <= now()
    lowest = _lowest_rank(connection, or_(is_leased, is_due)) or _lowest_rank(connection)
    return lowest or _read_rank(connection, select(func.max(rank)))


def _lowest_rank(connection: Connection, *where: ColumnElement[bool]) -> int:
    is_waiting = creations.c.next_attempt_at.is_not(None)
    subqueries = [
        select(rank)
        .where(creations.c.state == state.value, is_waiting, *where)
        .order_by(rank)
        .limit(1)
        .scalar_subquery()
        for state in WAITING_STATES
    ]
    row = connection.execute(select(*subqueries)).one()
    return min((int(value) for value in row if value is not None), default=0)


def _read_rank(connection: Connection, stmt: Select[int]) -> int:
    return int(connection.execute(stmt).scalar() or 0)
