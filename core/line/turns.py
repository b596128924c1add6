"""Whose turn it is: first come, first served, but fair. One person's hundredth prompt does not pass fifty first ones.

Start-time fair queueing, kept in one column: a creation's `turn` is the later of the line's present turn and the one
after its author's last. Who asks once stands right behind who is being served; who asks 300 times takes one of each.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from core.clock import now
from core.models import State, creations

turn = creations.c.turn
# Asked one by one: each is the first entry of a small index, where one question about all reads the whole table.
WAITING = (State.QUEUED, State.PAINTING, State.PAINTED, State.REPLYING, State.REFUSED)


def next_turn(connection: Connection, person_id: int) -> int:
    """The turn of a new creation. Ask in the transaction that writes it, with all creations before it flushed."""
    last_own = _one(connection, select(func.max(turn)).where(creations.c.person_id == person_id))
    return max(present_turn(connection), last_own + 1)


def present_turn(connection: Connection) -> int:
    """The turn being served: the earliest of all who wait; the last ever given where nobody waits.

    Who was tried and rests before another try has had its turn: for hours it would hold the line's time back.
    """
    at_work, due = creations.c.claim.is_not(None), creations.c.next_attempt_at <= now()
    earliest = _earliest(connection, or_(at_work, due)) or _earliest(connection)
    return earliest or _one(connection, select(func.max(turn)))


def _earliest(connection: Connection, *which: ColumnElement[bool]) -> int:
    waits = creations.c.next_attempt_at.is_not(None)
    each = [
        select(turn).where(creations.c.state == state.value, waits, *which).order_by(turn).limit(1).scalar_subquery()
        for state in WAITING
    ]
    turns = connection.execute(select(*each)).one()
    return min((int(one) for one in turns if one is not None), default=0)


def _one(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar() or 0)
