"""Whose turn it is: first come, first served, but fair. One person's hundredth prompt does not pass fifty first ones.

Start-time fair queueing, kept in one column: a creation's `turn` is the later of the line's present turn and the one
after its author's last. Who asks once stands right behind who is being served; who asks 300 times takes one of each.
"""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.models import creations

turn = creations.c.turn


def next_turn(connection: Connection, person_id: int) -> int:
    """The turn of a new creation. Ask in the transaction that writes it, with all creations before it flushed."""
    last_own = _one(connection, select(func.max(turn)).where(creations.c.person_id == person_id))
    return max(present_turn(connection), last_own + 1)


def present_turn(connection: Connection) -> int:
    """The turn being served: the earliest of all who wait; the last ever given where nobody waits."""
    earliest = _one(connection, select(func.min(turn)).where(creations.c.next_attempt_at.is_not(None)))
    return earliest or _one(connection, select(func.max(turn)))


def _one(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar() or 0)
