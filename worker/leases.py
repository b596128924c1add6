"""Lease a creation to one job, and renew the lease while the job runs.

A lease is two columns of the row: a token, and `next_attempt_at` as its end. When a job dies with its machine, no
process renews the lease. It expires, and the recovery loop gives the creation to another job.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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

    def renew(self) -> bool:
        """Start the lease again. Returns False if it was lost: then the work must stop without a trace.

        Also returns False if more than half of the new lease passed before the database accepted the write.
        """
        started = self.now()
        return self._extend(started) and self.now() < started + timedelta(seconds=self.duration / 2)

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
        return self.move(self.state, next_attempt_at=start + timedelta(seconds=self.duration))

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


def acquire(engine: Engine, creation_id: int, source: State, target: State, *, duration: float) -> CreationLease | None:
    """Lease a creation for one more attempt by moving it from `source` to `target`. Returns None if it is not due.

    A stray job must not cut a pause short, repeat a reply that X refused, or take what another job still holds. If
    `source` equals `target`, the job takes over work whose lease has expired.
    """
    token = secrets.token_hex(8)
    with write_session(engine) as session:
        # Waits here for the write lock: the lease starts after that.
        started = database_now(session.connection())
        clock_offset = started - now()
        leased = move(
            session,
            creation_id,
            source,
            target,
            due_by=started,
            lease_token=token,
            attempts=creations.c.attempts + 1,
            next_attempt_at=started + timedelta(seconds=duration),
        )
        if not leased:
            return None
        attempts = session.execute(select(creations.c.attempts).where(creations.c.id == creation_id)).scalar_one()
    return CreationLease(engine, creation_id, target, token, duration, int(attempts), source == target, clock_offset)
