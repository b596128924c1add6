"""Keep a worker process quiet while the queue is away: one log line for the outage, and one for its end.

RQ logs each failed call, often with a traceback. Then its worker ends, and the pool would start the next one every
second.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from core.logs import get_logger
from core.outage import QUEUE, outages

log = get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_SECONDS = 0.5
# Pause before a process that failed at its start is restarted.
RESTART_PAUSE_SECONDS = 5.0

# Whether this process was asked to stop. Set by a signal handler, so it is only polled, never waited for.
stop_requested = threading.Event()


class QueueErrors(logging.Filter):
    """Turns RQ's log records about an unavailable queue into one report of the outage."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a record that holds a Redis error, and report that error."""
        errors = [error for error in _errors_of(record) if isinstance(error, RedisError)]
        for error in errors:
            outages.record_failure(QUEUE, error)
        return not errors


def _errors_of(record: logging.LogRecord) -> list[object]:
    raised = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return [raised, *(record.args if isinstance(record.args, tuple) else ())]


def run_until_queue_returns(run: Callable[[], None], connection: Redis, *, wait: bool = True) -> None:
    """Run RQ's worker to its end. If the queue is away then, wait for it, so that the next worker can start.

    wait: False returns at once.
    """
    rq_logger = logging.getLogger("rq.worker")
    quiet = QueueErrors()
    rq_logger.addFilter(quiet)
    try:
        run()
    except RedisError as error:
        outages.record_failure(QUEUE, error)
    finally:
        rq_logger.removeFilter(quiet)
        restore_stop_signals()
    while wait and outages.is_ongoing(QUEUE) and not stop_requested.is_set():
        time.sleep(POLL_SECONDS)
        try:
            connection.ping()
        except RedisError as error:
            outages.record_failure(QUEUE, error)
        else:
            outages.end(QUEUE)


def log_errors(run: Callable[[], None]) -> None:
    """Run the main function of a process. An exception that ends it becomes a log line and a pause before a restart."""
    try:
        run()
    except Exception:
        log.exception("a worker process ended by an error")
        restore_stop_signals()
        time.sleep(RESTART_PAUSE_SECONDS)


def restore_stop_signals() -> None:
    """Let a stop end this process at once."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
