"""The sweep: finds creations that rest though they should not, and puts them back on their way.

The rows are the truth and the queue is only work to do, so one comparison mends everything: retries that are due, work
whose job died, jobs lost with the queue, creations committed just before a power cut. It is also the only scheduler of
retries (docs/decisions/0002). Running it twice, or in two places, does no harm.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.clock_check import check_clock
from core.database import reading, shared_now, transaction
from core.errors import TryLater
from core.line import Line
from core.logs import get_logger
from core.models import State, creations
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, outages
from core.queue import PAINT, REPLY
from core.settings import WorkSettings
from core.states import move
from worker.text_replies import TextReplies

log = get_logger(__name__)

SWEEP = "the sweep"
AT_ONCE = 1000
# Where a creation goes whose jobs died so often that it must be its own fault.
DEAD_ENDS = {
    State.PAINTING: (State.FAILED, {"code": "unexpected"}),
    State.REPLYING: (State.PAINTED, {"reply_outcome": "x_gave_up"}),
}


@dataclass(frozen=True)
class Sweep:
    """One look over all waiting creations, and what it does about them."""

    engine: Engine
    line: Line
    settings: WorkSettings
    texts: TextReplies | None = None

    def run(self, *, release: bool = True) -> int:
        """Sweep once. Returns how many creations were called up.

        Args:
            release: take creations from jobs that have not prolonged their claim.

        Raises:
            TryLater: the queue is away.
            ClockWrong: this machine must not work.
        """
        check_clock(self.engine, self.line.queue)
        if release:
            self._end_hopeless(State.PAINTING, self.settings.paint_attempts)
            self._end_hopeless(State.REPLYING, self.settings.reply_attempts)
            self._release_paintings()
        return self.line.call_up(REPLY) + self.line.call_up(PAINT)

    def keep_running(self, stopped: threading.Event) -> None:
        """Sweep again and again until stopped, whatever is away meanwhile. Each outage is reported once.

        While the database let nobody write, no job could prolong its claim: afterwards each has half a lease to do so.
        """
        release_from = 0.0
        while not stopped.wait(self.settings.sweep_seconds):
            try:
                self.run(release=time.monotonic() >= release_from)
            except (TryLater, SQLAlchemyError) as error:
                if isinstance(error, SQLAlchemyError):
                    release_from = time.monotonic() + self.settings.lease_seconds / 2
                # The database and the queue report their own outages.
                if not outages.ongoing(DATABASE, DATABASE_WRITES, QUEUE):
                    outages.failed(SWEEP, str(error).partition("\n")[0])
            else:
                outages.works(SWEEP)

    def _end_hopeless(self, state: State, limit: int) -> None:
        for row in self._due(state):
            if row.attempts < limit:
                continue
            target, values = DEAD_ENDS[state]
            if row.says is not None:
                target = State.REFUSED
            if self._move(row.id, state, target, claim=None, next_attempt_at=None, **values):
                self._explain(row.id, target)
                log.error("given up: its jobs died again and again", creation=row.id)

    def _explain(self, creation_id: int, target: State) -> None:
        if self.texts is None or target is not State.FAILED:
            return
        budget_reached = self.texts.is_budget_reached()
        with transaction(self.engine) as session:
            self.texts.explain_failure(session, creation_id, now(), budget_reached=budget_reached)

    def _release_paintings(self) -> None:
        """Painting again is harmless: whose job died simply waits anew. (Answers are looked for first: replying.)"""
        for row in self._due(State.PAINTING):
            if self._move(row.id, State.PAINTING, State.QUEUED, claim=None):
                log.warning("its job died; painted anew", creation=row.id, attempts=row.attempts)

    def _due(self, state: State) -> list[Any]:
        wanted = select(creations.c.id, creations.c.attempts, creations.c.says)
        with reading(self.engine) as connection:
            due = (creations.c.state == state.value, creations.c.next_attempt_at <= shared_now(connection))
            return list(connection.execute(wanted.where(*due).order_by(creations.c.next_attempt_at).limit(AT_ONCE)))

    def _move(self, creation_id: int, source: State, target: State, **values: Any) -> bool:
        with transaction(self.engine) as session:
            due_by = shared_now(session.connection())
            return move(session, creation_id, source, target, due_by=due_by, **values)
