"""Find the positions of creations in the queue of their step.

One walk along the index `ix_creation_queue` reads the first entries of each queue; every position follows from them. So
hundreds of positions cost little more than one, however many creations wait.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, func, select

from core.clock import now
from core.models import State, creations
from core.queue import PAINT, REPLY
from core.scheduling.fair_queue import next_rank

STATES_BY_STEP: dict[str, tuple[State, ...]] = {
    PAINT: (State.QUEUED, State.PAINTING),
    REPLY: (State.PAINTED, State.REPLYING, State.REFUSED),
}
# Counting stops here; pages then say "more than".
MAX_COUNTED = 9_999
# The first entries of each step's queue, (rank, id) in order.
QueueHeads = Mapping[str, list[tuple[int, int]]]

POSITION_STMT = select(
    creations.c.id,
    creations.c.state,
    creations.c.queue_rank,
    creations.c.next_attempt_at,
    creations.c.lease_token.is_not(None).label("is_leased"),
).where(creations.c.id.in_(bindparam("ids", expanding=True)), creations.c.next_attempt_at.is_not(None))


@dataclass(frozen=True)
class QueuePosition:
    """Position of a creation in the queue of a step.

    Attributes:
        ahead: creations before it; if more than are counted, one more than the maximum.
        retry_in: seconds until it may be tried again.
        in_progress: whether a worker holds its lease.
    """

    step: str
    ahead: int
    retry_in: float = 0.0
    in_progress: bool = False


def load_queue_heads(connection: Connection, max_counted: int = MAX_COUNTED) -> QueueHeads:
    """Read the first entries of each step's queue: one more than are counted."""
    return {step: _load_head(connection, step, max_counted + 1) for step in STATES_BY_STEP}


def load_positions(
    connection: Connection, creation_ids: Collection[int], heads: QueueHeads
) -> dict[int, QueuePosition]:
    """Return the positions of those of these creations that wait, by id."""
    positions, moment = {}, now()
    for row in connection.execute(POSITION_STMT, {"ids": list(creation_ids)}):
        step = _step_of(row.state)
        if step and row.is_leased:
            positions[row.id] = QueuePosition(step, 0, in_progress=True)
        elif step:
            ahead = bisect_left(heads[step], (row.queue_rank, row.id))
            positions[row.id] = QueuePosition(step, ahead, _seconds_until(row.next_attempt_at, moment))
    return positions


def position_if_added(connection: Connection, person_id: int, heads: QueueHeads) -> QueuePosition:
    """Return the position of a creation that this user would request now."""
    rank = next_rank(connection, person_id)
    return QueuePosition(PAINT, bisect_right(heads[PAINT], rank, key=lambda entry: entry[0]))


def select_waiting(step: str) -> Select[int]:
    """Select the ids of creations that wait for a step, along the index `ix_creation_queue`."""
    states = [state.value for state in STATES_BY_STEP[step]]
    return select(creations.c.id).where(creations.c.state.in_(states), creations.c.next_attempt_at.is_not(None))


def count_up_to(connection: Connection, stmt: Select[int]) -> int:
    """Count rows; MAX_COUNTED + 1 means more than MAX_COUNTED."""
    limited = stmt.limit(MAX_COUNTED + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(limited)).scalar_one())


def _load_head(connection: Connection, step: str, limit: int) -> list[tuple[int, int]]:
    """Read state by state: each is a walk along the index. One query for all states sorts everything that waits."""
    entries = []
    for state in STATES_BY_STEP[step]:
        rows = connection.execute(
            select(creations.c.queue_rank, creations.c.id)
            .where(creations.c.state == state.value, creations.c.next_attempt_at.is_not(None))
            .order_by(creations.c.queue_rank, creations.c.id)
            .limit(limit)
        )
        entries += [(rank, creation_id) for rank, creation_id in rows]
    return sorted(entries)[:limit]


def _step_of(state: State) -> str | None:
    return next((step for step, states in STATES_BY_STEP.items() if state in states), None)


def _seconds_until(moment: datetime, current: datetime) -> float:
    return max(0.0, (moment - current).total_seconds())
