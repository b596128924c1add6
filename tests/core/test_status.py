"""The operator's commands `status`, `costs` and `jobs retry`."""

import json
import os
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.budget.ledger import LedgerEntry, write_costs
from core.cli import costs as costs_cli
from core.cli.status import render_status, requeue_failed, retry_now
from core.cli.status_json import status_as_json
from core.clock import now
from core.database_lease import ProcessLease
from core.errors import ThreadpaintError
from core.gpu_health import GpuCircuitBreaker
from core.models import State
from core.poll_status import LEASE, record_poll
from core.queue import WorkQueue, open_queue
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import CREATE_POST, UPLOAD_MEDIA, RateLimitHeaders, XRateLimiter
from tests.support.rows import make_creation, make_person, read_creation

MONEY = load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=None)


@pytest.fixture
def rate_limiter(queue: WorkQueue) -> XRateLimiter:
    return XRateLimiter(queue, load(RateLimitSettings))


def test_status_of_an_empty_instance_shows_no_creations(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert lines[0] == "no creations yet"
    for line in ("pictures: none waits", "replies: none waits", "workers: 0"):
        assert line in lines
    assert any(line.startswith("spent today $0.0000 of $10.00, this month $0.0000 (no budget); at") for line in lines)


def test_status_counts_waiting_creations_with_the_last_eta(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now(), 2, 0, round(now().timestamp()) + 720))
    queue.connection.sadd("rq:workers", "rq:worker:one")
    for _ in range(2):
        make_creation(engine, state=State.PAINTED)
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert lines[0] == "painted: 2"
    assert "replies: 2 wait, the last one about 12 min" in lines
    assert "X allows 0 of 2 replies now; the limit resets in about 12 min" in lines


def test_status_names_suspended_calls_with_the_reason(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    queue.connection.sadd("rq:workers", "rq:worker:one")
    make_creation(engine, state=State.PAINTED)
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert "replies: 1 wait: the bot's X API credits are used up" in lines
    assert any(line.startswith("X: no credits for replies since") for line in lines)


def test_status_names_unavailable_backends_with_time_and_reason(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    gpu_breaker = GpuCircuitBreaker(queue)
    gpu_breaker.record_failure(
        "http://key@one.example", code="gpu_unauthorized", detail="GPU_TOKEN is not the service's token"
    )
    gpu_breaker.open_all(5, "gpu_unauthorized")
    make_creation(engine)
    queue.connection.sadd("rq:workers", "rq:worker:one")
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert "pictures: 1 wait: the GPU service is unavailable" in lines
    since = f"since {now().day} {now():%b}"
    assert any(line.startswith(f"GPU: unavailable {since}") and line.endswith("1 creation waits") for line in lines)
    (one,) = [line for line in lines if line.startswith("GPU backend http://one.example: gpu_unauthorized: GPU_TOKEN")]
    assert one.endswith("retry in a few seconds")


def test_retry_closes_breakers_and_makes_waiting_creations_due(engine: Engine, queue: WorkQueue) -> None:
    gpu_breaker = GpuCircuitBreaker(queue)
    gpu_breaker.record_failure("http://one.example", code="gpu_down", detail="connection refused", after=3000)
    waiting = make_creation(engine, next_attempt_at=now() + timedelta(minutes=5))
    answered = make_creation(engine, state=State.PAINTED, next_attempt_at=now() + timedelta(minutes=5))
    assert retry_now(engine, gpu_breaker) == "1 waiting creations are retried at once"
    assert gpu_breaker.retry_after("http://one.example") == 0
    due = [read_creation(engine, one).next_attempt_at for one in (waiting, answered)]
    assert due[0] is not None
    assert due[1] is not None
    assert due[0] <= now() < due[1]
    assert retry_now(engine, GpuCircuitBreaker(open_queue("unix:///nowhere/queue.sock?db=0"))).startswith(
        "GPU backends stay suspended: queue"
    )


def test_status_shows_gpu_cost_and_idle_time(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    assert not [line for line in render_status(engine, queue, rate_limiter, MONEY) if line.startswith("GPU today")]
    write_costs(
        engine, [LedgerEntry("a", "gpu", 600), LedgerEntry("b", "gpu", 1_000), LedgerEntry("c", "gpu_idle", 3_200)]
    )
    make_creation(engine, state=State.PAINTED, pictures=4)
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert "GPU today $0.0016, idle time about $0.0032; 4 pictures, about $0.0012 each" in lines
    (idle,) = {line for line in costs_cli.render_bill(engine, f"{now():%Y-%m-%d}") if "idle" in line}
    assert idle.split() == ["gpu", "idle", "(estimate)", "1", "$0.0032"]


def test_status_shows_the_costs_and_the_most_expensive_users(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    costs = [LedgerEntry("house", "reply", 5_000_000)]
    for number in range(7):
        person = make_person(engine, username=f"p{number}")
        make_creation(engine, person_id=person, with_post=False, state=State.REPLIED, next_attempt_at=None)
        costs.append(LedgerEntry(f"{number}", "alt_text", 5_000 * (number + 1), person_id=person))
    # A read of the own account is a cost of no user.
    write_costs(engine, [*costs, LedgerEntry("own", "own_read", 10_000, person_id=77)])
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert any(line.startswith("spent today $5.1500 of $10.00, this month $5.1500 (no budget);") for line in lines)
    people = next(line for line in lines if line.startswith("highest costs"))
    assert people == ("highest costs today: @p6  $0.0350, @p5  $0.0300, @p4  $0.0250, @p3  $0.0200, @p2  $0.0150")


def test_users_without_creations_are_not_among_the_most_expensive(engine: Engine) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    write_costs(engine, [LedgerEntry("unknown", "user_read", 10_000, person_id=77)], at=at)
    assert list(costs_cli.render_top_users(engine, "2026-11-20")) == []


def test_status_as_json_has_the_same_values(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter) -> None:
    make_creation(
        engine, state=State.FAILED, reason_code="gpu_down", last_error="gpu_down: no answer", next_attempt_at=None
    )
    make_creation(engine)
    write_costs(engine, [LedgerEntry("a", "reply", 10_000)])
    read = json.loads(json.dumps(status_as_json(engine, queue, rate_limiter, MONEY)))
    assert read["creations"] == {"failed": 1, "queued": 1}
    assert read["waiting"] == {"paint": 1, "reply": 0}
    assert read["spent_micro_usd"]["today"] == 10_000
    assert read["health"]["status"] == "degraded"
    assert [(one["code"], one["state"]) for one in read["troubles"]] == [("gpu_down", "failed")]


def test_only_failed_creations_are_requeued(engine: Engine) -> None:
    failed = make_creation(engine, state=State.FAILED, reason_code="gpu_down", next_attempt_at=None)
    replied = make_creation(engine, state=State.REPLIED, next_attempt_at=None)
    with pytest.raises(ThreadpaintError, match="there is no creation 999999"):
        requeue_failed(engine, [failed, 999999])
    with pytest.raises(ThreadpaintError, match=f"creation {replied} has not failed: it is replied"):
        requeue_failed(engine, [failed, replied])
    assert read_creation(engine, failed).state == State.FAILED
    assert requeue_failed(engine, [failed]) == 1


def test_latest_errors_are_listed_with_their_reason(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    make_creation(
        engine, state=State.FAILED, reason_code="gpu_down", last_error="gpu_down: no answer", next_attempt_at=None
    )
    lines = list(render_status(engine, queue, rate_limiter, MONEY))
    assert "latest errors" in lines
    assert lines[-1].endswith("gpu_down: no answer – The image service could not be reached. Try again later.")


def test_status_without_queue_prints_the_rest(engine: Engine) -> None:
    make_creation(engine)
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    lines = list(render_status(engine, away, XRateLimiter(away, load(RateLimitSettings)), MONEY))
    assert "pictures: 1 wait" in lines
    assert any(line.startswith("queue: no response") for line in lines)
    assert any(line.startswith("spent today") for line in lines)


def test_costs_are_listed_per_item_of_a_day_or_month(engine: Engine) -> None:
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    write_costs(
        engine,
        [LedgerEntry("a", "reply", 10_000), LedgerEntry("b", "reply", 10_000), LedgerEntry("c", "alt_text", 5_000)],
        at=first,
    )
    write_costs(engine, [LedgerEntry("d", "reply", 10_000)], at=first + timedelta(days=1))
    write_costs(engine, [LedgerEntry("e", "reply", 10_000)], at=first + timedelta(days=30))
    assert [line.split() for line in costs_cli.render_bill(engine, "2026-11-20")] == [
        ["2026-11-20", "(UTC)"],
        ["alt_text", "1", "$0.0050"],
        ["reply", "2", "$0.0200"],
        ["total", "$0.0250"],
    ]
    assert [line.split() for line in costs_cli.render_bill(engine, "2026-11")][-1] == ["total", "$0.0350"]
    assert list(costs_cli.render_bill(engine, "2025-01"))[1].strip() == "no costs"


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-00", "2026-11-20", "november", "%", "2026-1", "٢٠٢٦-١١"])
def test_invalid_month_raises_an_error_with_an_example(text: str) -> None:
    with pytest.raises(ThreadpaintError, match=r"expected e\.g\. 2026-11\)"):
        costs_cli.parse_period(text, example="2026-11")


@pytest.mark.parametrize("text", ["2026-11-31", "20261120", "2026-W47-5", "2025-02-29"])
def test_invalid_day_raises_an_error_with_an_example(text: str) -> None:
    with pytest.raises(ThreadpaintError, match=r"expected e\.g\. 2026-11-20\)"):
        costs_cli.parse_period(text, example="2026-11-20")


def test_status_shows_last_poll_last_success_and_failure_of_the_poller(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    def line() -> str:
        return next(item for item in render_status(engine, queue, rate_limiter, MONEY) if item.startswith("poller:"))

    assert line() == "poller: no poll of X yet; no poller is running"
    record_poll(engine)
    lease = ProcessLease(engine, LEASE)
    lease.acquire()
    assert re.fullmatch(
        rf"poller: last poll \d s ago; process {os.getpid()} on \S+ since \d+ \w+ \d\d:\d\d UTC", line()
    )
    for _ in range(2):
        record_poll(engine, code="x_down", error="x_down: X answered 503")
    assert re.search(r"; fails since \d+ \w+ \d\d:\d\d UTC: x_down: X answered 503; last success \d+ s ago; ", line())
    record_poll(engine)
    assert "fails" not in line()


def test_status_shows_last_success_and_failure_of_each_kind_of_write(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> None:
    def lines() -> list[str]:
        return [
            item
            for item in render_status(engine, queue, rate_limiter, MONEY)
            if item.startswith(("replies: l", "replies: f", "up"))
        ]

    guard = MeteredCallGuard(rate_limiter, engine, MONEY)
    assert lines() == []
    guard.record_result(CREATE_POST)
    guard.record_result(UPLOAD_MEDIA)
    assert [re.sub(r"\d+", "N", line) for line in lines()] == [
        "replies: last success N s ago", "uploads: last success N s ago",
    ]  # fmt: skip
    for _ in range(3):
        guard.record_result(CREATE_POST, "x_down", "x_down: X answered 503")
    failing, _uploads = lines()
    pattern = r"replies: fail since \d+ \w+ \d\d:\d\d UTC, 3 times \(x_down: X answered 503\); last success \d+ s ago"
    assert re.fullmatch(pattern, failing)
    guard.record_result(CREATE_POST)
    assert "fail" not in lines()[0]
