"""A machine whose clock is wrong does not work, says which machine it is, and stops nobody else."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core import clock_check
from core.clock import now
from core.clock_check import check_clock, machine, note_skew
from core.errors import ClockWrong, TryLater
from core.health import look
from core.pace import ANSWER, Pace
from core.pace.toll import TollGate
from core.queue import WorkQueue, open_queue
from core.settings import MoneySettings, PaceSettings, load
from tests.support.hearing import fault, listener
from tests.support.sandbox_x import SandboxX, answers


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """As if this machine's clock were wrong."""

    def turn(**by: float) -> None:
        def wrong() -> datetime:
            return now() + timedelta(**by)

        for module in ("core.clock_check", "core.x.transport"):
            monkeypatch.setattr(f"{module}.now", wrong)

    return turn


def test_a_clock_that_is_right_works(engine: Engine, queue: WorkQueue) -> None:
    check_clock(engine, queue)


@pytest.mark.parametrize(("by", "words"), [(90, "90 s ahead of"), (-600, "600 s behind"), (93_600, "93600 s ahead of")])
def test_a_clock_a_minute_off_is_refused_with_the_machines_name(
    engine: Engine, queue: WorkQueue, off: Any, by: float, words: str
) -> None:
    off(seconds=by)
    with pytest.raises(ClockWrong, match=f"the clock of {machine()} is {words}"):
        check_clock(engine, queue)


def test_a_clock_half_a_minute_off_works(engine: Engine, queue: WorkQueue, off: Any) -> None:
    off(seconds=30)
    check_clock(engine, queue)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_one_process_learned_of_xs_time_holds_for_this_machine_alone(
    engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_skew(queue, timedelta(seconds=-400))
    with pytest.raises(ClockWrong, match=f"the clock of {machine()} is 400 s behind X's"):
        check_clock(engine, queue)
    assert 100 < queue.connection.ttl(clock_check._key()) <= clock_check.NOTED_FOR
    monkeypatch.setattr("core.clock_check.machine", lambda: "another-machine")
    check_clock(engine, queue)


def test_without_queue_or_database_nothing_is_said_about_the_clock(engine: Engine, queue: WorkQueue) -> None:
    check_clock(engine, open_queue("unix:///nowhere/queue.sock"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_401_of_a_machine_with_a_wrong_clock_suspends_nothing(
    engine: Engine, queue: WorkQueue, x: SandboxX, off: Any
) -> None:
    pace = Pace(queue, load(PaceSettings))
    client = x.client(TollGate(pace, engine, load(MoneySettings)))
    off(minutes=10)
    x.spoil("POST", "/2/tweets", answers(401, b'{"title":"Unauthorized"}', content_type="application/json"))
    with pytest.raises(TryLater) as error:
        client.answer("No. 1.", to=1, media_ids=[])
    assert (error.value.code, error.value.counted) == ("x_clock", False)
    assert re.search(rf"the clock of {machine()} is 60\d s ahead of X's", str(error.value))
    assert pace.look(ANSWER).stopped == ""


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_poller_ends_when_x_tells_another_time(engine: Engine, queue: WorkQueue, x: SandboxX, off: Any) -> None:
    pace = Pace(queue, load(PaceSettings))
    poller = listener(x.client(TollGate(pace, engine, load(MoneySettings))), engine, queue)
    poller.look()
    note_skew(queue, timedelta(minutes=2))
    with pytest.raises(ClockWrong, match=machine()):
        poller.look()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_sandbox_whose_clock_is_turned_is_no_reason_to_stop(engine: Engine, queue: WorkQueue, x: SandboxX) -> None:
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": 7200}).raise_for_status()
    pace = Pace(queue, load(PaceSettings))
    poller = listener(x.client(TollGate(pace, engine, load(MoneySettings))), engine, queue)
    for _ in range(2):
        poller.look()
    fault(x, kind="unauthorized", endpoint="GET /2/users/:id/mentions")
    with pytest.raises(TryLater, match="x_unauthorized"):
        poller.look()
    assert "GET /2/users/:id/mentions" in pace.suspended()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_health_names_a_machine_with_a_wrong_clock(engine: Engine, queue: WorkQueue) -> None:
    note_skew(queue, timedelta(minutes=2))
    problems = look(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings)).problems
    assert f"clock: the clock of {machine()} is 120 s ahead of X's" in problems
