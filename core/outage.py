"""Log an outage once when it begins and once when it ends, however many calls fail in between.

    record_failure(database) record_failure ...  -> one warning: "outage: the database", with the reason
    record_success(database)                     -> one warning: "outage over: the database", with length and failures

Failures a few seconds apart are one outage: it ends after `CALM_SECONDS` without a failure. The state belongs to one
process; a forked child starts with a copy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from core.logs import get_logger, is_configured

CALM_SECONDS = 10.0
MAX_REASON_LENGTH = 300

# Subjects that several modules report.
DATABASE = "the database"
DATABASE_WRITES = "writing to the database"
QUEUE = "the queue"
STORAGE = "the picture storage"


class Log(Protocol):
    """Logger of an outage: `log.warning(event, reason=...)`."""

    def warning(self, event: str, /, **values: object) -> object:
        """Log one line."""


@dataclass
class _Outage:
    started: float
    failures: int = 0
    # First success since the last failure.
    ok_since: float | None = None
    kinds: set[str] = field(default_factory=set)


class OutageReporter:
    """Outages of one process. Thread-safe.

    Args:
        clock: monotonic time in seconds.
        calm: seconds without a failure that end an outage. They are not part of its length.
    """

    def __init__(self, log: Log, *, clock: Callable[[], float] = time.monotonic, calm: float = CALM_SECONDS) -> None:
        self._log, self._clock, self.calm = log, clock, calm
        self._ongoing: dict[str, _Outage] = {}
        self._lock = Lock()

    def record_failure(self, subject: str, reason: object, *, kind: str = "") -> None:
        """Record a failure. Log the first one, and the first of each further `kind` during the same outage."""
        moment = self._clock()
        with self._lock:
            outage = self._ongoing.setdefault(subject, _Outage(moment))
            is_new = kind not in outage.kinds
            outage.ok_since = None
            outage.failures += 1
            outage.kinds.add(kind)
        if is_new:
            self._log.warning(f"outage: {subject}", reason=" ".join(str(reason).split())[:MAX_REASON_LENGTH])

    def record_success(self, subject: str) -> None:
        """Record a success. End the outage if there was no failure for long enough."""
        outage = self._ongoing.get(subject)
        if outage is None:
            return
        with self._lock:
            outage.ok_since = since = outage.ok_since or self._clock()
        if self._clock() - since >= self.calm:
            self.end(subject)

    def end(self, subject: str) -> None:
        """End an outage now, if there is one."""
        with self._lock:
            outage = self._ongoing.pop(subject, None)
        if outage:
            seconds = round((outage.ok_since or self._clock()) - outage.started, 1)
            self._log.warning(f"outage over: {subject}", seconds=seconds, failures=outage.failures)

    def is_ongoing(self, *subjects: str) -> bool:
        """Return whether one of the subjects has a reported outage."""
        return any(subject in self._ongoing for subject in subjects)


class _ProcessLog:
    """The process log, if it is configured. Commands report problems themselves."""

    def warning(self, event: str, /, **values: object) -> None:
        if is_configured():
            get_logger(__name__).warning(event, **values)


# The outages of this process.
outages = OutageReporter(_ProcessLog())
