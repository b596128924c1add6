"""Report an outage once when it begins and once when it is over, however many calls fail in between.

    failed(database) failed failed ...  -> one warning: "outage: the database", with the reason
    works(database)                     -> one warning: "outage over: the database", with its length and the failures

Whatever goes on and off within a few seconds is one outage: it is over when all has gone well for `CALM_SECONDS`. The
state belongs to one process; a forked child begins with a copy of its parent's.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from core.logs import get_logger, is_configured

CALM_SECONDS = 10.0
MAX_REASON_LENGTH = 300

# The subjects that several modules report.
DATABASE = "the database"
DATABASE_WRITES = "writing to the database"
QUEUE = "the queue"
STORAGE = "the picture storage"


class Log(Protocol):
    """What an outage is written to: `log.warning(event, reason=...)`."""

    def warning(self, event: str, /, **values: object) -> object:
        """Write one line."""


@dataclass
class _Outage:
    began: float
    failures: int = 0
    # The first success since the last failure.
    well_since: float | None = None
    kinds: set[str] = field(default_factory=set)


class Outages:
    """The outages that one process sees. Safe to use from several threads.

    Args:
        clock: seconds that never go back.
        calm: seconds in which all must go well before an outage is over. They do not count as part of it.
    """

    def __init__(self, log: Log, *, clock: Callable[[], float] = time.monotonic, calm: float = CALM_SECONDS) -> None:
        self._log, self._clock, self._calm = log, clock, calm
        self._ongoing: dict[str, _Outage] = {}
        self._lock = Lock()

    def failed(self, subject: str, reason: object, *, kind: str = "") -> None:
        """Note a failure. Logs the first one, and the first one of each further `kind` during the same outage."""
        moment = self._clock()
        with self._lock:
            outage = self._ongoing.setdefault(subject, _Outage(moment))
            is_new = kind not in outage.kinds
            outage.well_since = None
            outage.failures += 1
            outage.kinds.add(kind)
        if is_new:
            self._log.warning(f"outage: {subject}", reason=" ".join(str(reason).split())[:MAX_REASON_LENGTH])

    def works(self, subject: str) -> None:
        """Note a success. Ends an outage if all has gone well for long enough."""
        outage = self._ongoing.get(subject)
        if outage is None:
            return
        with self._lock:
            outage.well_since = since = outage.well_since or self._clock()
        if self._clock() - since >= self._calm:
            self.over(subject)

    def over(self, subject: str) -> None:
        """End an outage at once, if there is one."""
        with self._lock:
            outage = self._ongoing.pop(subject, None)
        if outage:
            seconds = round((outage.well_since or self._clock()) - outage.began, 1)
            self._log.warning(f"outage over: {subject}", seconds=seconds, failures=outage.failures)

    def ongoing(self, *subjects: str) -> bool:
        """Return whether an outage of one of the subjects was reported and is not over."""
        return any(subject in self._ongoing for subject in subjects)


class _ProcessLog:
    """The log of a process that has set one up. A command says in its own words what is wrong."""

    def warning(self, event: str, /, **values: object) -> None:
        if is_configured():
            get_logger(__name__).warning(event, **values)


# Those of this process.
outages = Outages(_ProcessLog())
