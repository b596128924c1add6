"""Find creations that are stuck, and put them back on their way.

The rows are the truth and the queue is only work to do, so one comparison repairs everything: retries that are due,
work whose job died, jobs lost with the queue, creations committed just before a power cut. This is also the only
scheduler of retries (docs/decisions/0002). It may run twice, or on two machines.
"""

import threading
import time
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.clock_check import check_clock
from core.database import database_now, read_connection, write_session
from core.errors import TryLater
from core.logs import get_logger
from core.models import State, creations
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, outages
from core.queue import PAINT, REPLY
from core.scheduling import Dispatcher
from core.settings import JobSettings
from core.states import move
from worker.avif_copies import dispatch_avif
from worker.text_replies import TextReplies

log = get_logger(__name__)

RECOVERY = "the recovery loop"
BATCH_SIZE = 1000
# Where a creation goes whose jobs died so often that it must be the cause itself.
EXHAUSTED_TRANSITIONS: dict[State, tuple[State, dict[str, str]]] = {
    State.PAINTING: (State.FAILED, {"reason_code": "unexpected"}),
    State.REPLYING: (State.PAINTED, {"reply_status": "x_gave_up"}),
}


@dataclass(frozen=True)
class _Expired:
    """A creation whose lease has expired."""

    id: int
    attempts: int
    reply_text: str | None


@dataclass(frozen=True)
class RecoveryLoop:
    """Releases expired leases and dispatches what is due."""

    engine: Engine
    dispatcher: Dispatcher
    settings: JobSettings
    texts: TextReplies | None = None

    def run_once(self, *, release: bool = True) -> int:
        """Recover and dispatch once. Returns how many creations were enqueued.

        release: release expired leases. Raises TryLater if the queue is away, ClockWrong if this machine must not work.
        """
        check_clock(self.engine, self.dispatcher.queue)
        if release:
            self._fail_exhausted(State.PAINTING, self.settings.paint_attempts)
            self._fail_exhausted(State.REPLYING, self.settings.reply_attempts)
            self._release_painting()
        dispatched = self.dispatcher.dispatch(REPLY) + self.dispatcher.dispatch(PAINT)
        return dispatched + dispatch_avif(self.engine, self.dispatcher.queue, self.settings.lease_seconds)

    def run_forever(self, stopped: threading.Event) -> None:
        """Run until stopped, also while database or queue are unavailable. Each outage is reported once.

        While the database refused writes, no job could renew its lease: afterwards each has half a lease to do so.
        """
        release_from = 0.0
        while not stopped.wait(self.settings.recovery_interval_seconds):
            try:
                self.run_once(release=time.monotonic() >= release_from)
            except (TryLater, SQLAlchemyError) as error:
                if isinstance(error, SQLAlchemyError):
                    release_from = time.monotonic() + self.settings.lease_seconds / 2
                # The database and the queue report their own outages.
                if not outages.is_ongoing(DATABASE, DATABASE_WRITES, QUEUE):
                    outages.record_failure(RECOVERY, str(error).partition("\n")[0])
            else:
                outages.record_success(RECOVERY)

    def _fail_exhausted(self, state: State, max_attempts: int) -> None:
        target, values = EXHAUSTED_TRANSITIONS[state]
        for creation in self._load_expired(state):
            if creation.attempts < max_attempts:
                continue
            end = target if creation.reply_text is None else State.REFUSED
            if self._release(creation.id, state, end, next_attempt_at=None, **values):
                self._explain(creation.id, end)
                log.error("given up: its jobs died again and again", creation=creation.id)

    def _explain(self, creation_id: int, target: State) -> None:
        if self.texts is None or target is not State.FAILED:
            return
        budget_reached = self.texts.is_budget_reached()
        with write_session(self.engine) as session:
            self.texts.explain_failure(session, creation_id, now(), budget_reached=budget_reached)

    def _release_painting(self) -> None:
        """Queue creations again whose paint job died: repeating is harmless. Reply jobs take over by themselves."""
        for creation in self._load_expired(State.PAINTING):
            if self._release(creation.id, State.PAINTING, State.QUEUED):
                log.warning("its job died; queued again", creation=creation.id, attempts=creation.attempts)

    def _load_expired(self, state: State) -> list[_Expired]:
        stmt = select(creations.c.id, creations.c.attempts, creations.c.reply_text)
        with read_connection(self.engine) as connection:
            expired = (creations.c.state == state.value, creations.c.next_attempt_at <= database_now(connection))
            stmt = stmt.where(*expired).order_by(creations.c.next_attempt_at).limit(BATCH_SIZE)
            return [_Expired(**row._mapping) for row in connection.execute(stmt)]

    def _release(self, creation_id: int, source: State, target: State, **values: str | None) -> bool:
        """End an expired lease. Returns False if the job has renewed it meanwhile."""
        with write_session(self.engine) as session:
            at = database_now(session.connection())
            update: dict[str, str | None] = {"lease_token": None, **values}
            return move(session, creation_id, source, target, due_by=at, expected_token=None, **update)
