"""Does again what the database let nobody do: others held it, or it was away. Knows no table."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from core.database import is_busy
from core.logs import get_logger

log = get_logger(__name__)

# Longer than a VACUUM of a large file or a restart of a server takes. SQLite and PostgreSQL wait 10 s in each try.
PATIENCE_SECONDS = 300.0

Result = TypeVar("Result")


def patiently(doing: Callable[[], Result]) -> Result:
    """Return what `doing`, one transaction and nothing besides, returns; one line in the log while others are first.

    Raises what it raises, and after PATIENCE_SECONDS the database's error.
    """
    again = Retrying(
        retry=retry_if_exception(is_busy),
        wait=wait_exponential_jitter(multiplier=0.1, max=2.0, jitter=0.1),
        stop=stop_after_delay(PATIENCE_SECONDS),
        before_sleep=_say_once,
        reraise=True,
    )
    return again(doing)


def first_line(error: BaseException) -> str:
    """What a database says, without the statement and its values."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]


def _say_once(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if state.attempt_number == 1 and error is not None:
        log.warning("the database is busy or away; waiting for it", reason=first_line(error))
