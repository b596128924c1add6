"""A claim: the right of one job to work on one creation, for a while that is prolonged as long as the job lives.

The claim is two columns of the row: a token, and `next_attempt_at` as its end. When a job dies with its machine,
nobody prolongs the claim, it runs out, and the sweep gives the creation to the next.
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

from core.clock import now
from core.database import shared_now, transaction
from core.logs import get_logger
from core.models import State, creations
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.states import move

log = get_logger(__name__)


@dataclass(frozen=True)
class Claim:
    """A creation that is ours. `taken_over`: it was in work before, and how that ended is not known.

    lease: seconds after which the claim ends unless it is prolonged.
    attempts: tries of this step, this one included.
    behind: how far our clock is behind the one that all machines share.
    """

    engine: Engine
    creation_id: int
    state: State
    token: str
    lease: float
    attempts: int
    taken_over: bool = False
    behind: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Now, by the clock that all machines share: what is written for others to compare is told by it."""
        return now() + self.behind

    def move(self, target: State, **values: Any) -> bool:
        """Move the creation, if the claim still holds."""
        with transaction(self.engine) as session:
            return move(session, self.creation_id, self.state, target, held_by=self.token, **values)

    def prolong(self) -> bool:
        """Begin the lease anew. False when the claim was lost: then the work must stop without a trace.

        Also false when most of the new lease went by before the database let us write it.
        """
        began = self.now()
        return self._renew(began) and self.now() < began + timedelta(seconds=self.lease / 2)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Prolong the claim in the background for as long as the block runs."""
        done = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(done,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _renew(self, began: datetime) -> bool:
        return self.move(self.state, next_attempt_at=began + timedelta(seconds=self.lease))

    def _keep(self, done: threading.Event) -> None:
        told = False
        while not done.wait(self.lease / 3):
            try:
                if not self._renew(self.now()):
                    return
                told = False
            except SQLAlchemyError as error:
                if not told and not outages.ongoing(DATABASE, DATABASE_WRITES):  # which reports its own outage
                    log.warning("claim not prolonged", creation=self.creation_id, error=type(error).__name__)
                told = True


def take(
    engine: Engine, creation_id: int, source: State, target: State, *, lease: float, **values: Any
) -> Claim | None:
    """Claim a creation for one more attempt by moving it from `source` to `target`; None if it is not to be had.

    Only what is due is to be had: a stray job must neither cut a pause short, nor answer again what X refused, nor
    take what another job still holds. From a state of work (`source` is `target`) it is taken over.
    """
    token = secrets.token_hex(8)
    with transaction(engine) as session:
        moment = shared_now(session.connection())  # waits here for its turn to write: the lease begins after it
        behind = moment - now()
        moved = move(
            session,
            creation_id,
            source,
            target,
            due_by=moment,
            claim=token,
            attempts=creations.c.attempts + 1,
            next_attempt_at=moment + timedelta(seconds=lease),
            **values,
        )
        if not moved:
            return None
        attempts = session.execute(select(creations.c.attempts).where(creations.c.id == creation_id)).scalar_one()
    taken_over = source == target
    return Claim(engine, creation_id, target, token, lease, int(attempts), taken_over, behind)
