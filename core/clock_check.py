"""Check this machine's clock. A machine with a wrong clock refuses to work and names itself.

X rejects calls signed with a wrong time, and rows get wrong times. The clock is compared with the database server's;
for SQLite, which is on the same machine, with the queue server's; and with X's. Processes that call X record its skew
here (`core/x/transport.py`) for all processes of the machine.
"""

import socket
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from core.clock import now
from core.database import database_now, read_connection
from core.errors import ClockWrong, TryLater
from core.queue import WorkQueue, translate_redis_errors

# X rejects signatures five minutes off. A clock set by NTP is never a minute off.
MAX_SKEW = timedelta(seconds=60)
# How long a recorded skew counts: longer than the poller waits after a failure.
SKEW_TTL_SECONDS = 180


def machine_name() -> str:
    """Return the host name of this machine."""
    return socket.gethostname()


def check_clock(engine: Engine, queue: WorkQueue) -> None:
    """Raise ClockWrong if this machine's clock is wrong.

    Raises:
        ClockWrong: it is more than a minute off. The message names the machine.
        SQLAlchemyError: the database does not respond.
    """
    with read_connection(engine) as connection:
        if connection.dialect.name != "sqlite":
            # Compare twice: a slow response is no wrong clock.
            _ensure_small("the database's", min((now() - database_now(connection) for _ in range(2)), key=abs))
    try:
        if engine.dialect.name == "sqlite":
            _ensure_small("the queue's", min((now() - _queue_time(queue) for _ in range(2)), key=abs))
        x_skew = _recorded_skew(queue)
    except TryLater:
        return  # without the queue no work is done
    if x_skew is not None:
        _ensure_small("X's", x_skew)


def describe_skew(whose: str, skew: timedelta) -> str:
    """Return text like `the clock of paint-2 is 600 s ahead of X's`."""
    seconds = round(abs(skew.total_seconds()))
    return f"the clock of {machine_name()} is {seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} {whose}"


@translate_redis_errors
def record_skew(queue: WorkQueue, skew: timedelta) -> None:
    """Record for all processes of this machine how far its clock is ahead of X's. Raises TryLater("queue_away")."""
    queue.connection.set(_key(), round(skew.total_seconds()), ex=SKEW_TTL_SECONDS)


def _ensure_small(whose: str, skew: timedelta) -> None:
    if abs(skew) > MAX_SKEW:
        raise ClockWrong(f"{describe_skew(whose, skew)}: no work is done until the clock is right; set it with NTP")


@translate_redis_errors
def _queue_time(queue: WorkQueue) -> datetime:
    seconds, micros = queue.connection.time()
    return datetime.fromtimestamp(seconds + micros / 1e6, UTC)


@translate_redis_errors
def _recorded_skew(queue: WorkQueue) -> timedelta | None:
    seconds = queue.connection.get(_key())
    return timedelta(seconds=int(seconds)) if seconds else None


def _key() -> str:
    """Return a key with name and network address: two machines may have the same name."""
    node = uuid.getnode()
    is_random = bool(node >> 40 & 1)  # without a network card: differs in every process
    return f"clock:{machine_name()}:{0 if is_random else node:x}"
