"""Lease a creation to one job, and renew the lease while the job runs.

A lease is two columns of the row: a token, and `next_attempt_at` as its end. When a job dies with its machine, no
process renews the lease. It expires, and the recovery loop gives the creation to another job.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core.clock import now
from core.database import database_now, write_session
from core.logs import get_logger
from core.models import State, creations
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.states import move

log = get_logger(__name__)


@dataclass(frozen=True)
class CreationLease:
    """The exclusive right to work on a creation.

    duration: seconds until the lease expires unless it is renewed.
    attempts: attempts of this step, including this one.
    taken_over: another job had started this step, and its outcome is unknown.
    clock_offset: what to add to this machine's clock to get the database's.
    """

    engine: Engine
    creation_id: int
    state: State
    token: str
    duration: float
    attempts: int
    taken_over: bool = False
    clock_offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the database's time: other machines compare it with theirs."""
        return now() + self.clock_offset

    def move(self, target: State, **values: object) -> bool:
        """Move the creation and set values. Returns False if the lease was lost."""
        with write_session(self.engine) as session:
            return self.move_in(session, target, **values)

    def move_in(self, session: Session, target: State, **values: Any) -> bool:
        """Do the same within a transaction."""
        return move(session, self.creation_id, self.state, target, expected_token=self.token, **values)

    def release(self, target: State, **values: object) -> bool:
        """Move the creation and end the lease. Returns False if the lease was lost."""
        with write_session(self.engine) as session:
            return self.release_in(session, target, **values)

    def release_in(self, session: Session, target: State, **values: object) -> bool:
        """Do the same within a transaction."""
        return self.move_in(session, target, lease_token=None, **values)

    def renew(self, transaction: AbstractContextManager[Session] | None = None) -> bool:
        """Start the lease again. Returns False if it was lost: then the work must stop without a trace.

        Also returns False if more than half of the new lease passed before the database accepted the write.

        transaction: the write session in which to do it; its own by default.
        """
        started = self.now()
        with transaction or write_session(self.engine) as session:
            extended = self._extend_in(session, started)
        return extended and self.now() < started + timedelta(seconds=self.duration / 2)

    @contextmanager
    def keep_alive(self) -> Iterator[None]:
        """Renew the lease in the background while the block runs."""
        done = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _extend(self, start: datetime) -> bool:
        with write_session(self.engine) as session:
            return self._extend_in(session, start)

    def _extend_in(self, session: Session, start: datetime) -> bool:
        return self.move_in(session, self.state, next_attempt_at=start + timedelta(seconds=self.duration))

    def _renew_until(self, done: threading.Event) -> None:
        reported = False
        while not done.wait(self.duration / 3):
            try:
                if not self._extend(self.now()):
                    return
                reported = False
            except SQLAlchemyError as error:
                # The database reports its own outage.
                if not reported and not outages.is_ongoing(DATABASE, DATABASE_WRITES):
                    log.warning("lease not renewed", creation=self.creation_id, error=type(error).__name__)
                reported = True


def acquire(
    engine: Engine, creation_id: int, sources: tuple[State, ...], target: State, *, duration: float
) -> CreationLease | None:
    """Lease a creation for one more attempt by moving it from one of `sources` to `target`.

    Returns None if it is not due: a stray job must not cut a pause short, repeat a reply that X refused, or take what
    another job still holds. If the creation is in `target` already, the job takes over work whose lease has expired.
    """
    token = secrets.token_hex(8)
    with write_session(engine) as session:
        # Waits here for the write lock: the lease starts after that.
        started = database_now(session.connection())
        clock_offset = started - now()
        due = _load_due(session, creation_id, sources, started)
        if due is None:
            return None
        source, attempts = due
        ends = started + timedelta(seconds=duration)
        move(session, creation_id, source, target, lease_token=token, attempts=attempts, next_attempt_at=ends)
    return CreationLease(engine, creation_id, target, token, duration, attempts, source == target, clock_offset)


def _load_due(
    session: Session, creation_id: int, sources: tuple[State, ...], due_by: datetime
) -> tuple[State, int] | None:
    """Lock a creation that is due, and return its state and the number of the next attempt. None if it is not due."""
    stmt = select(creations.c.state, creations.c.attempts).where(
        creations.c.id == creation_id,
        creations.c.state.in_([source.value for source in sources]),
        creations.c.next_attempt_at <= due_by,
    )
    row = session.execute(stmt.with_for_update()).one_or_none()
    return None if row is None else (State(row.state), row.attempts + 1)
