"""Health checks report problems without amounts of money."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rq import Worker
from sqlalchemy import Engine, update

from core.budget.ledger import LedgerEntry, write_costs
from core.cli.status import render_status
from core.clock import now
from core.database import write_session
from core.gpu_health import GpuCircuitBreaker, Outage
from core.health import BLOCK_MESSAGES, MENTIONS_CALL, Health, XCapacity, check_health, describe_outage
from core.instance import require_storage
from core.models import Creation, PollCursor, State, poller_states
from core.poll_status import record_poll
from core.queue import QUEUES, WorkQueue, open_queue
from core.scheduling import eta
from core.settings import BudgetSettings, RateLimitSettings, load
from core.storage import FolderStorage
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import BLOCKING_CODES, CREATE_POST, RateLimitHeaders, XRateLimiter
from tests.support.rows import make_creation

MONEY = load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=100)


@pytest.fixture
def rate_limiter(queue: WorkQueue) -> XRateLimiter:
    return XRateLimiter(queue, load(RateLimitSettings))


@pytest.fixture
def well(engine: Engine, queue: WorkQueue) -> None:
    """Record a poll of now and a running worker."""
    polled(engine, "mentions", seconds_ago=2)
    Worker(QUEUES, connection=queue.connection).register_birth()


def polled(engine: Engine, name: str, seconds_ago: float) -> None:
    with write_session(engine) as session:
        session.add(PollCursor(name=name, since_id=1, min_id=1, polled_at=now() - timedelta(seconds=seconds_ago)))


@pytest.mark.usefixtures("well")
def test_a_healthy_instance_is_ok(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    make_creation(engine)
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert (health.status, health.problems, health.workers, health.states) == ("ok", [], 1, {"queued": 1})
    assert health.x == XCapacity(free=100, calls=100, window_ends_in=900.0, stopped="")
    json.dumps(health.as_dict())


@pytest.mark.usefixtures("well")
def test_missing_credits_are_reported_with_the_time(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    began = now()
    rate_limiter.update_from_response(
        CREATE_POST, RateLimitHeaders(now()), "x_no_credits"
    )  # it is still suspended when it is probed
    health = check_health(engine, queue, rate_limiter, MONEY)
    hours = [f"{moment.day} {moment:%b %H:%M} UTC" for moment in (began, began - timedelta(seconds=5))]
    expected = [f"X: no credits for replies since {hour}, tried again every few minutes" for hour in hours]
    assert health.status == "degraded"
    assert health.problems[0] in expected
    assert health.x is not None
    assert (health.x.free, health.x.stopped) == (0, "x_no_credits")


@pytest.mark.usefixtures("well")
def test_blocked_mentions_are_reported_apart(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(MENTIONS_CALL, RateLimitHeaders(now()), "x_unauthorized")
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert health.problems[0].startswith("X: the keys are not accepted for reading mentions since")
    assert health.x is not None
    assert health.x.stopped == ""


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    ("code", "why", "hint"),
    [
        ("x_account_locked", "the account is locked", "log in on x.com to unlock it"),
        ("x_account_suspended", "the account is suspended", "appeal on x.com"),
        ("x_app_restricted", "the app is restricted", "see the developer console"),
        ("x_looks_automated", "the account looks automated to it", "see the account's inbox on x.com"),
        ("x_no_access", "the app has no access", "see the app's plan in the developer console"),
    ],
)
def test_a_block_is_reported_with_a_hint(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, code: str, why: str, hint: str
) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), code)
    (alarm,) = check_health(engine, queue, rate_limiter, MONEY).problems
    assert alarm.startswith(f"X: {why} for replies since")
    assert alarm.endswith(f"; {hint}")
    assert alarm in list(render_status(engine, queue, rate_limiter, MONEY))


@pytest.mark.usefixtures("well")
def test_every_blocked_call_is_reported(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    for call in (
        CREATE_POST,
        MENTIONS_CALL,
        "POST /2/media/metadata",
        "DELETE /2/tweets/:id",
        "GET /2/tweets/search/recent",
    ):
        rate_limiter.update_from_response(call, RateLimitHeaders(now()), "x_no_access")
    alarms = " ".join(check_health(engine, queue, rate_limiter, MONEY).problems)
    for what in ("replies", "reading mentions", "alt texts", "deleting replies", "search"):
        assert f" for {what} since " in alarms


def test_every_blocking_code_has_messages_for_operator_and_user() -> None:
    assert set(BLOCK_MESSAGES) >= BLOCKING_CODES
    assert set(eta.BLOCK_MESSAGES) >= BLOCKING_CODES


@pytest.mark.usefixtures("well")
def test_the_daily_reply_limit_is_reported(engine: Engine, queue: WorkQueue) -> None:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings, x_replies_per_day=1))
    rate_limiter.acquire(CREATE_POST)
    assert check_health(engine, queue, rate_limiter, MONEY).problems == ["X: the daily reply limit is reached"]


@pytest.mark.usefixtures("well")
def test_a_used_up_budget_is_reported_without_an_amount(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    write_costs(engine, [LedgerEntry("a", "reply", 9_876_543)])
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert health.problems[0].startswith("budget: today's budget is used up")
    assert "9.8" not in json.dumps(health.as_dict())


@pytest.mark.usefixtures("well")
def test_a_gpu_outage_is_reported_with_time_and_count(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    GpuCircuitBreaker(queue).record_failure("http://secret.example", code="gpu_down", detail="connection refused")
    GpuCircuitBreaker(queue).open_all(60, "gpu_down")
    assert check_health(engine, queue, rate_limiter, MONEY).problems == [], "nobody waits for it"
    for _ in range(2):
        make_creation(engine)
    since = GpuCircuitBreaker(queue).outage()
    assert since is not None
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert health.status == "degraded"
    assert health.problems == [f"GPU: unavailable since {since.since.day} {since.since:%b %H:%M} UTC, 2 creations wait"]
    assert "secret.example" not in json.dumps(health.as_dict()), "anybody may read it"
    GpuCircuitBreaker(queue).record_success("http://secret.example")
    assert check_health(engine, queue, rate_limiter, MONEY).status == "ok"


def test_a_briefly_busy_gpu_service_is_no_problem() -> None:
    busy = Outage("gpu_busy", now() - timedelta(seconds=30), 3.0)
    assert describe_outage(busy, 5, now()) == ""
    assert describe_outage(busy, 1, now() + timedelta(minutes=5)).endswith(", 1 creation waits")


@pytest.mark.usefixtures("well")
def test_replies_that_wait_longer_than_an_hour_are_counted(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    long_ago = now() - timedelta(minutes=61)
    for _ in range(2):
        make_creation(engine, state=State.PAINTED, painted_at=long_ago)
    make_creation(engine, state=State.REFUSED, reply_text="no", created_at=long_ago)
    make_creation(engine, state=State.PAINTED, painted_at=now(), created_at=long_ago)
    make_creation(engine, state=State.PAINTED, painted_at=long_ago, next_attempt_at=None)
    assert check_health(engine, queue, rate_limiter, MONEY).problems == ["replies: 3 wait longer than an hour"]


def test_the_latest_poll_of_any_cursor_counts(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    polled(engine, "mentions", seconds_ago=3)
    polled(engine, "search", seconds_ago=4000)
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert health.problems == ["workers: none"]
    assert 3 <= (health.polled_seconds_ago or 0) < 10


@pytest.mark.parametrize("poll_seconds", [30, 600])
def test_a_poller_is_late_beyond_its_interval(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, poll_seconds: float
) -> None:
    polled(engine, "mentions", seconds_ago=300)
    health = check_health(engine, queue, rate_limiter, MONEY, poll_seconds=poll_seconds)
    assert ("poller: no recent poll of X" in health.problems) == (poll_seconds == 30)


def test_without_the_queue_the_rest_is_checked(engine: Engine) -> None:
    make_creation(engine)
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    health = check_health(engine, away, XRateLimiter(away, load(RateLimitSettings)), MONEY)
    assert "queue: no response" in health.problems
    assert (health.x, health.states) == (None, {"queued": 1})


def test_without_the_database_the_rest_is_checked(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    Creation.metadata.drop_all(engine)
    health = check_health(engine, queue, rate_limiter, MONEY)
    assert health.problems[0].startswith("database: ")
    assert isinstance(health, Health)
    assert health.x is not None


@pytest.mark.usefixtures("well")
def test_replies_that_fail_for_a_minute_are_reported(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    gate = MeteredCallGuard(rate_limiter, engine, MONEY)
    gate.record_result(CREATE_POST, "x_down", "x_down: X answered 503: secret words")
    assert check_health(engine, queue, rate_limiter, MONEY).problems == []
    queue.connection.hset(f"x:call:{CREATE_POST}", "since", (now() - timedelta(seconds=70)).timestamp())
    [problem] = check_health(engine, queue, rate_limiter, MONEY).problems
    assert re.fullmatch(r"replies fail since \d+ \w+ \d\d:\d\d UTC: X responds with errors", problem)
    gate.record_result(CREATE_POST)
    assert check_health(engine, queue, rate_limiter, MONEY).problems == []


@pytest.mark.usefixtures("well")
def test_a_poller_that_fails_for_a_minute_is_reported_with_the_reason(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    record_poll(engine, code="x_rate_limit", error="x_rate_limit: words of X")
    assert check_health(engine, queue, rate_limiter, MONEY).problems == []
    with write_session(engine) as session:
        session.execute(update(poller_states).values(failing_since=now() - timedelta(seconds=70)))
    [problem] = check_health(engine, queue, rate_limiter, MONEY).problems
    assert re.fullmatch(r"poller: fails since \d+ \w+ \d\d:\d\d UTC: X allows no more calls for now", problem)
    record_poll(engine)
    assert check_health(engine, queue, rate_limiter, MONEY).problems == []


@pytest.mark.usefixtures("well")
def test_a_wrong_storage_folder_is_reported_without_its_path(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path / "other")
    health = check_health(engine, queue, rate_limiter, MONEY, storage=storage)
    assert health.problems == []
    assert health.instance == require_storage(engine, tmp_path / "pictures")
    assert check_health(engine, queue, rate_limiter, MONEY, storage=FolderStorage(tmp_path / "pictures")).problems == []
    [problem] = check_health(engine, queue, rate_limiter, MONEY, storage=storage).problems
    assert problem == "storage: the folder is not the one of this instance"
