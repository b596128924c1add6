"""A machine with a wrong clock stops, names itself in the error, and does not stop other machines."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from core import clock_check
from core.clock import now
from core.clock_check import check_clock, machine_name, record_skew
from core.errors import ClockWrong, TryLater
from core.health import check_health
from core.queue import WorkQueue, open_queue
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import CREATE_POST, XRateLimiter
from tests.support.poller import fault, make_poller
from tests.support.sandbox_x import SandboxX, answers

ShiftClock = Callable[..., None]


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> ShiftClock:
    """Shift the clock of this process, such as `off(seconds=30)`."""

    def shift(**by: float) -> None:
        def shifted_now() -> datetime:
            return now() + timedelta(**by)

        for module in ("core.clock_check", "core.x.transport"):
            monkeypatch.setattr(f"{module}.now", shifted_now)

    return shift


def test_a_right_clock_passes(engine: Engine, queue: WorkQueue) -> None:
    check_clock(engine, queue)


@pytest.mark.parametrize(("by", "words"), [(90, "90 s ahead of"), (-600, "600 s behind"), (93_600, "93600 s ahead of")])
def test_a_clock_a_minute_off_raises_with_the_host_name(
    engine: Engine, queue: WorkQueue, off: ShiftClock, by: float, words: str
) -> None:
    off(seconds=by)
    with pytest.raises(ClockWrong, match=f"the clock of {machine_name()} is {words}"):
        check_clock(engine, queue)


def test_a_clock_half_a_minute_off_passes(engine: Engine, queue: WorkQueue, off: ShiftClock) -> None:
    off(seconds=30)
    check_clock(engine, queue)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_recorded_skew_counts_for_this_machine_only(
    engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_skew(queue, timedelta(seconds=-400))
    with pytest.raises(ClockWrong, match=f"the clock of {machine_name()} is 400 s behind X's"):
        check_clock(engine, queue)
    assert 100 < queue.connection.ttl(clock_check._key()) <= clock_check.SKEW_TTL_SECONDS
    monkeypatch.setattr("core.clock_check.machine_name", lambda: "another-machine")
    check_clock(engine, queue)


def test_without_queue_or_database_the_clock_passes(engine: Engine, queue: WorkQueue) -> None:
    check_clock(engine, open_queue("unix:///nowhere/queue.sock"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_401_with_a_wrong_clock_suspends_nothing(
    engine: Engine, queue: WorkQueue, x: SandboxX, off: ShiftClock
) -> None:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    client = x.client(MeteredCallGuard(rate_limiter, engine, load(BudgetSettings)))
    off(minutes=10)
    x.spoil("POST", "/2/tweets", answers(401, b'{"title":"Unauthorized"}', content_type="application/json"))
    with pytest.raises(TryLater) as error:
        client.reply("No. 1.", to=1, media_ids=[])
    assert (error.value.code, error.value.counted) == ("x_clock", False)
    assert re.search(rf"the clock of {machine_name()} is 60\d s ahead of X's", str(error.value))
    assert rate_limiter.peek(CREATE_POST).blocked_reason == ""


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_poller_exits_if_its_clock_differs_from_xs(
    engine: Engine, queue: WorkQueue, x: SandboxX, off: ShiftClock
) -> None:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    poller = make_poller(x.client(MeteredCallGuard(rate_limiter, engine, load(BudgetSettings))), engine, queue)
    poller.poll_once()
    record_skew(queue, timedelta(minutes=2))
    with pytest.raises(ClockWrong, match=machine_name()):
        poller.poll_once()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_turned_sandbox_clock_is_ignored(engine: Engine, queue: WorkQueue, x: SandboxX) -> None:
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": 7200}).raise_for_status()
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    poller = make_poller(x.client(MeteredCallGuard(rate_limiter, engine, load(BudgetSettings))), engine, queue)
    for _ in range(2):
        poller.poll_once()
    fault(x, kind="unauthorized", endpoint="GET /2/users/:id/mentions")
    with pytest.raises(TryLater, match="x_unauthorized"):
        poller.poll_once()
    assert "GET /2/users/:id/mentions" in rate_limiter.blocked_calls()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_health_names_a_machine_with_a_wrong_clock(engine: Engine, queue: WorkQueue) -> None:
    record_skew(queue, timedelta(minutes=2))
    problems = check_health(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings)).problems
    assert f"clock: the clock of {machine_name()} is 120 s ahead of X's" in problems
