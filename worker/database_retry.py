"""Repeat a transaction while the database is busy or away."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from core.database import is_busy
from core.logs import get_logger

log = get_logger(__name__)

# Longer than a VACUUM of a large file or a restart of a server takes. SQLite and PostgreSQL wait 10 s in each attempt.
TIMEOUT_SECONDS = 300.0
MAX_REASON_LENGTH = 200

Result = TypeVar("Result")


def retry_while_busy(transaction: Callable[[], Result]) -> Result:
    """Return what `transaction` returns, after repeating it while other connections hold the database.

    Raises what it raises, and the database's error after TIMEOUT_SECONDS. Logs one line while waiting.
    """
    retrying = Retrying(
        retry=retry_if_exception(is_busy),
        wait=wait_exponential_jitter(multiplier=0.1, max=2.0, jitter=0.1),
        stop=stop_after_delay(TIMEOUT_SECONDS),
        before_sleep=_log_first_retry,
        reraise=True,
    )
    return retrying(transaction)


def first_line(error: BaseException) -> str:
    """Return a database's message without the statement and its values."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:MAX_REASON_LENGTH]


def _log_first_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if state.attempt_number == 1 and error is not None:
        log.warning("the database is busy or away; waiting for it", reason=first_line(error))
