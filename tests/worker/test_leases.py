"""A lease lasts its full duration: waiting for the database takes nothing from it."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.models import State, creations
from core.queue import REPLY, WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, RateLimitSettings, load
from core.x.rate_limit import XRateLimiter
from tests.support.rows import make_creation, read_creation
from worker.leases import acquire
from worker.recovery import RecoveryLoop


def hold_the_row(engine: Engine, creation_id: int, seconds: float) -> threading.Thread:
    """Lock the row (SQLite: the file) for a while."""
    holds = threading.Event()

    def hold() -> None:
        with write_session(engine) as session:
            session.execute(creations.update().where(creations.c.id == creation_id).values(last_error="held"))
            holds.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait()
    return holder


def test_a_lease_renewed_too_late_is_not_trusted(engine: Engine) -> None:
    creation_id = make_creation(engine)
    lease = acquire(engine, creation_id, (State.QUEUED,), State.PAINTING, duration=2)
    assert lease is not None
    holder = hold_the_row(engine, creation_id, 1.5)
    assert not lease.renew()
    holder.join()
    assert lease.renew()


def test_a_lease_acquired_after_a_wait_has_its_full_duration(engine: Engine) -> None:
    creation_id = make_creation(engine)
    other = make_creation(engine)
    holder = hold_the_row(engine, other, 1.0)
    lease = acquire(engine, creation_id, (State.QUEUED,), State.PAINTING, duration=2)
    holder.join()
    assert lease is not None
    until = read_creation(engine, creation_id).next_attempt_at
    assert until is not None
    assert until - now() > timedelta(seconds=1.5) or engine.dialect.name == "postgresql"


def test_a_lost_lease_moves_nothing(engine: Engine) -> None:
    creation_id = make_creation(engine)
    lease = acquire(engine, creation_id, (State.QUEUED,), State.PAINTING, duration=2)
    assert lease is not None
    assert lease.move(State.QUEUED, lease_token=None)
    assert not lease.renew()
    assert not lease.move(State.PAINTED)
    assert read_creation(engine, creation_id).state == State.QUEUED


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("minutes", [-3, 3])
def test_a_machine_with_a_wrong_clock_takes_no_lease_of_another(
    engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    here = acquire(engine, creation_id, (State.PAINTED,), State.REPLYING, duration=45)
    assert here is not None
    wrong = lambda: datetime.now(UTC) + timedelta(minutes=minutes)  # noqa: E731
    for module in ("core.database", "core.scheduling.dispatcher", "worker.leases"):
        monkeypatch.setattr(f"{module}.now", wrong)
    assert acquire(engine, creation_id, (State.REPLYING,), State.REPLYING, duration=45) is None
    dispatcher = Dispatcher(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings))
    assert dispatcher.dispatch(REPLY) == 0
    painting = make_creation(engine, state=State.PAINTING, lease_token="alive", next_attempt_at=here.now())
    with write_session(engine) as session:
        soon = datetime.now(UTC) + timedelta(seconds=30)
        session.execute(creations.update().where(creations.c.id == painting).values(next_attempt_at=soon))
    RecoveryLoop(engine, dispatcher, load(JobSettings)).run_once()
    assert read_creation(engine, painting).state == State.PAINTING


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("minutes", [-3, 3])
def test_a_lease_of_a_machine_with_a_wrong_clock_holds_for_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    with monkeypatch.context() as there:
        there.setattr("worker.leases.now", lambda: datetime.now(UTC) + timedelta(minutes=minutes))
        lease = acquire(engine, creation_id, (State.PAINTED,), State.REPLYING, duration=45)
        assert lease is not None
        assert lease.renew()
    ends = read_creation(engine, creation_id).next_attempt_at
    assert ends is not None
    assert 40 < (ends - datetime.now(UTC)).total_seconds() < 46
    assert acquire(engine, creation_id, (State.REPLYING,), State.REPLYING, duration=45) is None
