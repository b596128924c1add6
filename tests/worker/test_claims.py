"""A claim holds for as long as it says, and not a moment of it is lost to waiting for the database."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.line import Line
from core.models import State, creations
from core.pace import Pace
from core.queue import REPLY, WorkQueue
from core.settings import MoneySettings, PaceSettings, WorkSettings, load
from tests.support.rows import make_creation, read_creation
from worker.claims import take
from worker.sweeps import Sweep


def hold_the_row(engine: Engine, creation_id: int, seconds: float) -> threading.Thread:
    """Another writer holds the row (SQLite: the file) for a while."""
    holds = threading.Event()

    def hold() -> None:
        with transaction(engine) as session:
            session.execute(creations.update().where(creations.c.id == creation_id).values(last_error="held"))
            holds.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait()
    return holder


def test_a_prolonged_claim_that_waited_too_long_is_not_believed(engine: Engine) -> None:
    creation_id = make_creation(engine)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    assert claim is not None
    holder = hold_the_row(engine, creation_id, 1.5)
    assert not claim.prolong()
    holder.join()
    assert claim.prolong()


def test_a_claim_taken_after_a_wait_has_its_whole_lease(engine: Engine) -> None:
    creation_id = make_creation(engine)
    other = make_creation(engine)
    holder = hold_the_row(engine, other, 1.0)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    holder.join()
    assert claim is not None
    until = read_creation(engine, creation_id).next_attempt_at
    assert until is not None
    assert until - now() > timedelta(seconds=1.5) or engine.dialect.name == "postgresql"


def test_a_claim_that_was_lost_moves_nothing(engine: Engine) -> None:
    creation_id = make_creation(engine)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    assert claim is not None
    assert claim.move(State.QUEUED, claim=None)
    assert not claim.prolong()
    assert not claim.move(State.PAINTED)
    assert read_creation(engine, creation_id).state == State.QUEUED


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("minutes", [-3, 3])
def test_a_machine_whose_clock_is_wrong_takes_nothing_from_another(
    engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    here = take(engine, creation_id, State.PAINTED, State.REPLYING, lease=45)
    assert here is not None
    wrong = lambda: datetime.now(UTC) + timedelta(minutes=minutes)  # noqa: E731
    for module in ("core.database", "core.line.line", "worker.claims"):
        monkeypatch.setattr(f"{module}.now", wrong)
    assert take(engine, creation_id, State.REPLYING, State.REPLYING, lease=45) is None
    line = Line(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings))
    assert line.call_up(REPLY) == 0
    painting = make_creation(engine, state=State.PAINTING, claim="alive", next_attempt_at=here.now())
    with transaction(engine) as session:
        soon = datetime.now(UTC) + timedelta(seconds=30)
        session.execute(creations.update().where(creations.c.id == painting).values(next_attempt_at=soon))
    Sweep(engine, line, load(WorkSettings)).run()
    assert read_creation(engine, painting).state == State.PAINTING


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("minutes", [-3, 3])
def test_what_a_machine_with_a_wrong_clock_claims_is_claimed_for_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    with monkeypatch.context() as there:
        there.setattr("worker.claims.now", lambda: datetime.now(UTC) + timedelta(minutes=minutes))
        claim = take(engine, creation_id, State.PAINTED, State.REPLYING, lease=45)
        assert claim is not None
        assert claim.prolong()
    ends = read_creation(engine, creation_id).next_attempt_at
    assert ends is not None
    assert 40 < (ends - datetime.now(UTC)).total_seconds() < 46
    assert take(engine, creation_id, State.REPLYING, State.REPLYING, lease=45) is None
