"""The recovery loop continues stuck work, and leaves running work alone."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from core.cli.status import render_status, requeue_failed
from core.clock import now
from core.models import State
from core.queue import PAINT, REPLY, WorkQueue, open_queue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, RateLimitSettings, load
from core.x.rate_limit import XRateLimiter
from tests.support.rows import make_creation, read_creation
from tests.support.servers import wait_until
from worker.recovery import RecoveryLoop

PAST, FUTURE = timedelta(seconds=-5), timedelta(seconds=60)


@pytest.fixture
def recovery(engine: Engine, dispatcher: Dispatcher) -> RecoveryLoop:
    return RecoveryLoop(engine, dispatcher, load(JobSettings, recovery_interval_seconds=0.2))


def test_a_wiped_queue_is_filled_again_from_the_rows(recovery: RecoveryLoop, engine: Engine, queue: WorkQueue) -> None:
    waiting = {make_creation(engine) for _ in range(3)}
    painted = make_creation(engine, state=State.PAINTED)
    cut_off = make_creation(engine, state=State.REPLYING, next_attempt_at=now() + PAST)
    assert recovery.run_once() == 5
    queue.connection.flushdb()
    assert recovery.run_once() == 5
    assert queue.queued_ids(PAINT) == waiting
    assert queue.queued_ids(REPLY) == {painted, cut_off}


def test_leases_are_not_released_right_after_a_database_outage(recovery: RecoveryLoop, engine: Engine) -> None:
    make_creation(engine)
    held = make_creation(engine, state=State.PAINTING, lease_token="alive", attempts=1, next_attempt_at=now() + PAST)
    assert recovery.run_once(release=False) == 1
    assert read_creation(engine, held).lease_token == "alive"
    assert recovery.run_once() == 1
    assert read_creation(engine, held).state == State.QUEUED


def test_a_queued_creation_is_not_enqueued_twice(recovery: RecoveryLoop, engine: Engine, queue: WorkQueue) -> None:
    make_creation(engine)
    assert [recovery.run_once(), recovery.run_once()] == [1, 0]
    assert queue.connection.llen("rq:queue:paint") == 1


def test_a_creation_that_is_not_due_is_left_alone(recovery: RecoveryLoop, engine: Engine) -> None:
    for state in (State.REPLIED, State.REFUSED, State.FAILED):
        make_creation(engine, state=state, next_attempt_at=None)
    make_creation(engine, state=State.PAINTED, next_attempt_at=None, reply_status="x_not_summoned")
    make_creation(engine, next_attempt_at=now() + FUTURE)
    make_creation(engine, state=State.PAINTING, lease_token="alive", next_attempt_at=now() + FUTURE)
    assert recovery.run_once() == 0


def test_a_creation_whose_paint_job_died_is_queued_again(recovery: RecoveryLoop, engine: Engine) -> None:
    creation_id = make_creation(
        engine, state=State.PAINTING, lease_token="dead", attempts=1, next_attempt_at=now() + PAST
    )
    assert recovery.run_once() == 1
    row = read_creation(engine, creation_id)
    assert (row.state, row.lease_token, row.attempts) == (State.QUEUED, None, 1)


def test_a_creation_that_kills_every_paint_job_fails(recovery: RecoveryLoop, engine: Engine) -> None:
    creation_id = make_creation(
        engine, state=State.PAINTING, lease_token="dead", attempts=8, next_attempt_at=now() + PAST
    )
    assert recovery.run_once() == 0
    row = read_creation(engine, creation_id)
    assert (row.state, row.reason_code, row.next_attempt_at) == (State.FAILED, "unexpected", None)


def test_a_creation_that_kills_every_reply_job_stays_in_the_gallery_only(
    recovery: RecoveryLoop, engine: Engine
) -> None:
    values: dict[str, Any] = {
        "state": State.REPLYING,
        "lease_token": "dead",
        "attempts": 24,
        "next_attempt_at": now() + PAST,
    }
    creation_id = make_creation(engine, **values)
    assert recovery.run_once() == 0
    row = read_creation(engine, creation_id)
    assert (row.state, row.reply_status) == (State.PAINTED, "x_gave_up")


def test_recovery_continues_when_the_queue_returns(
    engine: Engine, queue: WorkQueue, queue_server: str, tmp_path: Path
) -> None:
    make_creation(engine)
    link = tmp_path / "link.sock"
    away = open_queue(f"unix://{link}")
    dispatcher = Dispatcher(engine, away, XRateLimiter(away, load(RateLimitSettings)), load(BudgetSettings))
    recovery = RecoveryLoop(engine, dispatcher, load(JobSettings, recovery_interval_seconds=0.2))
    stopped = threading.Event()
    running = threading.Thread(target=recovery.run_forever, args=(stopped,))
    running.start()
    link.symlink_to(queue_server.removeprefix("unix://").partition("?")[0])
    wait_until(lambda: queue.queued_ids(PAINT), "it did not continue")
    stopped.set()
    running.join(5)
    assert not running.is_alive()


def test_the_operator_sees_failures_and_requeues_them(recovery: RecoveryLoop, engine: Engine) -> None:
    values: dict[str, Any] = {
        "state": State.FAILED,
        "reason_code": "gpu_down",
        "last_error": "gpu_down: ConnectError",
        "attempts": 8,
    }
    creation_id = make_creation(engine, next_attempt_at=None, **values)
    lines = list(
        render_status(engine, recovery.dispatcher.queue, recovery.dispatcher.rate_limiter, recovery.dispatcher.money)
    )
    assert lines[0] == "failed: 1"
    assert any(f"creation {creation_id}: failed after 8 attempts: gpu_down: ConnectError" in line for line in lines)
    assert requeue_failed(engine) == 1
    assert recovery.run_once() == 1
    assert read_creation(engine, creation_id).state == State.QUEUED
