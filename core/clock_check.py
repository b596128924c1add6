"""Whether this machine's clock is right. One that is not refuses to work, and says which machine it is.

X refuses what is signed with a wrong time, and rows written with one stand at the wrong place. The clock is compared
with the database server's; with SQLite, whose users share a machine, with the queue server's; and with X's, by the Date
of its answers (`core/x/transport.py`), which whoever calls X notes here for all processes of this machine.
"""

import socket
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from core.clock import now
from core.database import reading, shared_now
from core.errors import ClockWrong, TryLater
from core.queue import WorkQueue, translated

# X refuses a signature that is five minutes off; a minute is more than any clock that is set by NTP is ever wrong.
MAX_SKEW = timedelta(seconds=60)
# Seconds for which a note about X's time holds: longer than a poller rests after a failure.
NOTED_FOR = 180


def machine() -> str:
    """The name of this machine, as the operator knows it."""
    return socket.gethostname()


def check_clock(engine: Engine, queue: WorkQueue) -> None:
    """Return if this machine's clock is right, as far as it can be told.

    Raises:
        ClockWrong: it is more than a minute off. The text names the machine.
        SQLAlchemyError: the database is away.
    """
    with reading(engine) as connection:
        if connection.dialect.name != "sqlite":
            # Compared twice: a slow answer of the database is no wrong clock.
            _refuse("the database's", min((now() - shared_now(connection) for _ in range(2)), key=abs))
    try:
        if engine.dialect.name == "sqlite":
            _refuse("the queue's", min((now() - _queue_time(queue) for _ in range(2)), key=abs))
        noted = _noted(queue)
    except TryLater:
        return  # nothing is done without the queue
    if noted is not None:
        _refuse("X's", noted)


def in_words(whose: str, skew: timedelta) -> str:
    """`the clock of paint-2 is 600 s ahead of X's`."""
    seconds = round(abs(skew.total_seconds()))
    return f"the clock of {machine()} is {seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} {whose}"


@translated
def note_skew(queue: WorkQueue, skew: timedelta) -> None:
    """Tell the other processes of this machine how far its clock is ahead of X's. Raises TryLater("queue_away")."""
    queue.connection.set(_key(), round(skew.total_seconds()), ex=NOTED_FOR)


def _refuse(whose: str, skew: timedelta) -> None:
    if abs(skew) > MAX_SKEW:
        raise ClockWrong(f"{in_words(whose, skew)}: it does not work until the clock is set, by NTP")


@translated
def _queue_time(queue: WorkQueue) -> datetime:
    seconds, micros = queue.connection.time()
    return datetime.fromtimestamp(seconds + micros / 1e6, UTC)


@translated
def _noted(queue: WorkQueue) -> timedelta | None:
    noted = queue.connection.get(_key())
    return timedelta(seconds=int(noted)) if noted else None


def _key() -> str:
    """Two machines may have the same name, but no two network cards the same number."""
    node = uuid.getnode()
    is_made_up = bool(node >> 40 & 1)  # without a card: another one in every process
    return f"clock:{machine()}:{0 if is_made_up else node:x}"
