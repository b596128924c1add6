"""Estimates of waiting time: position, picture, reply, and why work is blocked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core import health
from core.budget.budget import Allowance, work_allowance
from core.budget.ledger import LedgerEntry, write_costs
from core.clock import now
from core.errors import TryLater
from core.gpu_health import GpuCircuitBreaker
from core.models import State
from core.queue import PAINT, REPLY, WorkQueue, open_queue
from core.scheduling.eta import (
    BLOCK_MESSAGES,
    Capacity,
    Eta,
    estimate_eta,
    humanize_duration,
    load_capacity,
)
from core.scheduling.queue_position import QueuePosition
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x.rate_limit import BLOCKING_CODES, CREATE_POST, RateLimitHeaders, RateWindow, XRateLimiter
from tests.core.test_queue_position import find_positions
from tests.support.rows import make_creation, make_person

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPEN = RateWindow(remaining=100, resets_in=600, limit=100, seconds=900)
USED_UP = RateWindow(remaining=0, resets_in=600, limit=100, seconds=900)


def capacity(**values: Any) -> Capacity:
    filled: dict[str, Any] = {
        "window": OPEN,
        "workers": 2,
        "painting_seconds": 3.0,
        "allowance": Allowance(None),
        "reserve_price": 17_000,
        "at": NOON,
    } | values
    return Capacity(**filled)


def test_eta_is_at_least_the_time_until_the_next_try(engine: Engine) -> None:
    tried = make_creation(engine, attempts=3, next_attempt_at=now() + timedelta(minutes=5))
    loaded = find_positions(engine, [tried])[tried]
    assert 290 < (estimate_eta(loaded, capacity()).seconds or 0) <= 300


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 3.0), (12, 21.0)])
def test_painting_time_is_shared_among_workers(ahead: int, seconds: float) -> None:
    assert estimate_eta(QueuePosition(PAINT, ahead), capacity()) == Eta(ahead, seconds)


def test_eta_is_at_least_a_second() -> None:
    assert estimate_eta(QueuePosition(PAINT, 0), capacity(painting_seconds=0.01)).seconds == 1.0


def test_eta_is_unknown_without_measurements() -> None:
    assert estimate_eta(QueuePosition(PAINT, 3), capacity(painting_seconds=None)) == Eta(3, None)


def test_replies_within_the_window_go_soon() -> None:
    assert humanize_duration(estimate_eta(QueuePosition(REPLY, 1), capacity()).seconds or 0) == "a few seconds"
    assert (estimate_eta(QueuePosition(REPLY, 99), capacity()).seconds or 0) < 120


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 600), (99, 600), (100, 1500), (310, 600 + 3 * 900)])
def test_replies_beyond_the_window_wait_for_later_ones(ahead: int, seconds: float) -> None:
    assert estimate_eta(QueuePosition(REPLY, ahead), capacity(window=USED_UP)) == Eta(ahead, seconds)


def test_a_reply_in_progress_does_not_wait_for_the_next_window() -> None:
    assert (
        humanize_duration(
            estimate_eta(QueuePosition(REPLY, 0, in_progress=True), capacity(window=USED_UP)).seconds or 0
        )
        == "a few seconds"
    )


@pytest.mark.parametrize("code", sorted(BLOCK_MESSAGES))
def test_a_block_gives_a_reason_and_no_seconds(code: str) -> None:
    stopped = RateWindow(0, 60, 100, 900, code)
    assert estimate_eta(QueuePosition(REPLY, 3), capacity(window=stopped)) == Eta(3, None, BLOCK_MESSAGES[code])
    assert estimate_eta(QueuePosition(PAINT, 3), capacity(window=stopped)).reason == "", "painting goes on"


def test_every_blocking_code_has_messages() -> None:
    assert set(BLOCKING_CODES) == set(BLOCK_MESSAGES)
    assert set(BLOCKING_CODES) <= set(health.BLOCK_MESSAGES)


def test_the_daily_reply_cap_gives_a_reason_with_a_time() -> None:
    wait = estimate_eta(QueuePosition(REPLY, 0), capacity(window=RateWindow(0, 3 * 3600, 100, 900, "daily_reply_cap")))
    assert wait == Eta(0, None, "the bot's daily reply limit on X is reached; replies continue within 24 hours")


@pytest.mark.parametrize("step", [PAINT, REPLY])
def test_a_used_up_daily_budget_says_when_work_resumes(step: str) -> None:
    wait = estimate_eta(QueuePosition(step, 0), capacity(allowance=Allowance(0, 12 * 3600, exhausted=True)))
    assert wait == Eta(0, None, "today's budget is used up; work resumes at 00:00 UTC")


def test_a_used_up_monthly_budget_says_when_work_resumes() -> None:
    wait = estimate_eta(QueuePosition(PAINT, 0), capacity(allowance=Allowance(0, 10.5 * 86400, exhausted=True)))
    assert wait.reason == "this month's budget is used up; work resumes on the first of next month at 00:00 UTC"


def test_the_rest_of_the_budget_is_for_those_ahead() -> None:
    room = Allowance(3 * 17_000)
    assert estimate_eta(QueuePosition(PAINT, 2), capacity(allowance=room)).seconds == 6.0
    assert (
        estimate_eta(QueuePosition(PAINT, 3), capacity(allowance=room)).reason
        == "the budget is almost used up, so work continues slowly"
    )


def test_no_workers_is_the_reason() -> None:
    assert estimate_eta(QueuePosition(PAINT, 1), capacity(workers=0)).reason == "no worker is running"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "a few seconds"),
        (38, "about 40 seconds"),
        (89, "about 90 seconds"),
        (90, "about 2 min"),
        (12 * 60, "about 12 min"),
        (99 * 60, "about 99 min"),
        (2 * 3600, "about 2 hours"),
        (35 * 3600, "about 35 hours"),
        (50 * 3600, "about 2 days"),
    ],
)
def test_durations_are_humanized(seconds: float, words: str) -> None:
    assert humanize_duration(seconds) == words


def test_capacity_is_loaded_from_the_database_and_redis(engine: Engine, queue: WorkQueue) -> None:
    for seconds in [50.0] + [2.0, 4.0] * 10:
        make_creation(engine, state=State.REPLIED, next_attempt_at=None, painting_seconds=seconds, published_at=now())
    make_creation(engine, queue_rank=1)
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings, x_rate_limit_reserve=10))
    write_costs(engine, [LedgerEntry("a", "reply", 1_000_000)])
    money = load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=None)
    loaded = load_capacity(engine, queue, rate_limiter, money)
    assert loaded.painting_seconds == 3.0, "the last twenty, not the one before"
    assert (loaded.window.remaining, loaded.window.limit) == (90, 90)
    # Late in the day the allowance is more than the four fifths that are uncapped.
    assert (loaded.workers, loaded.allowance, loaded.reserve_price) == (
        0,
        work_allowance(engine, money, loaded.at),
        32_000,
    )
    assert 7_000_000 <= (loaded.allowance.micro_usd or 0) <= 8_500_000


def test_a_block_of_x_is_part_of_the_capacity(engine: Engine, queue: WorkQueue) -> None:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    loaded = load_capacity(engine, queue, rate_limiter, load(BudgetSettings))
    assert loaded.window.blocked_reason == "x_no_credits"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("gpu_down", "the GPU service is unavailable"),
        ("gpu_busy", "the GPU service is busy"),
        ("", "the GPU service is unavailable"),
    ],
)
def test_a_gpu_outage_is_the_reason_for_painting_only(engine: Engine, queue: WorkQueue, code: str, words: str) -> None:
    gpu_breaker, rate_limiter = GpuCircuitBreaker(queue), XRateLimiter(queue, load(RateLimitSettings))
    queue.connection.sadd("rq:workers", "rq:worker:one")
    assert load_capacity(engine, queue, rate_limiter, load(BudgetSettings)).gpu_outage == ""
    gpu_breaker.open_all(60, code)
    loaded = load_capacity(engine, queue, rate_limiter, load(BudgetSettings))
    assert estimate_eta(QueuePosition(PAINT, 3), loaded) == Eta(3, None, words)
    assert estimate_eta(QueuePosition(PAINT, 0, in_progress=True), loaded).reason == "", (
        "somebody looks whether it is back"
    )
    assert estimate_eta(QueuePosition(REPLY, 0), loaded).reason == ""
    gpu_breaker.record_success("http://one.example")
    assert load_capacity(engine, queue, rate_limiter, load(BudgetSettings)).gpu_outage == ""


def test_capacity_needs_the_queue(engine: Engine) -> None:
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    with pytest.raises(TryLater, match="queue_away"):
        load_capacity(engine, away, XRateLimiter(away, load(RateLimitSettings)), load(BudgetSettings))


def test_a_busy_queue_is_estimated_by_its_throughput(engine: Engine, queue: WorkQueue) -> None:
    """The GPU's seconds alone leave out uploads, other jobs and a busy machine."""
    moment, person = now(), make_person(engine)
    for n in range(10):
        shown = moment - timedelta(seconds=30 - 3 * n)
        make_creation(engine, person_id=person, with_post=False, state=State.PAINTED, published_at=shown,
                      painting_seconds=0.1, created_at=moment - timedelta(seconds=40))  # fmt: skip
    waiting_since = moment - timedelta(seconds=31)
    late = [
        make_creation(engine, person_id=person, with_post=False, queue_rank=n, created_at=waiting_since)
        for n in range(1, 41)
    ]
    money = load(BudgetSettings)
    around = load_capacity(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), money)
    assert around.finished_per_second == pytest.approx(10 / 31, rel=0.2)
    waits = estimate_eta(find_positions(engine, late)[late[-1]], replace(around, workers=1))
    assert waits.ahead == 39
    assert waits.seconds == pytest.approx(40 * 3.1, rel=0.2)


def test_quiet_queues_and_backoff_give_no_throughput(engine: Engine, queue: WorkQueue) -> None:
    moment, person = now(), make_person(engine)
    for n in range(5):
        make_creation(engine, person_id=person, with_post=False, state=State.PAINTED,
                      published_at=moment - timedelta(minutes=n), painting_seconds=0.5)  # fmt: skip
    make_creation(engine, person_id=person, with_post=False, attempts=3, created_at=moment - timedelta(minutes=4))
    around = load_capacity(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings))
    assert around.finished_per_second is None
    assert estimate_eta(QueuePosition(PAINT, 1), replace(around, workers=1)).seconds == pytest.approx(1.0)
