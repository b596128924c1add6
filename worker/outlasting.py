"""Keep a process of the worker quiet while its queue is away: one line for the outage, one for its end.

RQ logs each failed call, often with a traceback, and its worker ends; the pool would start the next one every second.
"""

import logging
import signal
import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from core.logs import get_logger
from core.outage import QUEUE, outages

log = get_logger(__name__)

STOPS = (signal.SIGTERM, signal.SIGINT)
LOOK_SECONDS = 0.5
# A process that fails at its start does not start again every second.
PAUSE_AFTER_A_BUG = 5.0


class Stopping:
    """Whether this process was asked to stop."""

    asked = False


class QueueErrors(logging.Filter):
    """Turns RQ's lines about a queue that is away into one report of the outage."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a record that holds an error of Redis, once that is reported."""
        found = [one for one in _errors_of(record) if isinstance(one, RedisError)]
        for error in found:
            outages.failed(QUEUE, error)
        return not found


def _errors_of(record: logging.LogRecord) -> list[object]:
    raised = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return [raised, *(record.args if isinstance(record.args, tuple) else ())]


def outlast(run: Callable[[], None], connection: Redis, *, waits: bool = True) -> None:
    """Run RQ's worker to its end. If the queue is away by then, wait until it is back: then the next one can work.

    waits: False ends at once.
    """
    rq = logging.getLogger("rq.worker")
    quiet = QueueErrors()
    rq.addFilter(quiet)
    try:
        run()
    except RedisError as error:
        outages.failed(QUEUE, error)
    finally:
        rq.removeFilter(quiet)
        restore_stop_signals()
    while waits and outages.ongoing(QUEUE) and not Stopping.asked:
        time.sleep(LOOK_SECONDS)
        try:
            connection.ping()
        except RedisError as error:
            outages.failed(QUEUE, error)
        else:
            outages.over(QUEUE)


def log_what_ends_it(run: Callable[[], None]) -> None:
    """Run a process of the pool; a bug that ends it is one line of the log, and no new process at once."""
    try:
        run()
    except Exception:
        log.exception("a process of the worker ended by an error")
        restore_stop_signals()
        time.sleep(PAUSE_AFTER_A_BUG)


def restore_stop_signals() -> None:
    """Let a stop end this process at once."""
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
