"""The sweep: whatever rests though it should not is put back on its way; what works is left alone."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.line import Line
from core.models import State
from core.pace import Pace
from core.queue import PAINT, REPLY, WorkQueue, open_queue
from core.settings import MoneySettings, PaceSettings, WorkSettings, load
from core.status import report, send_again
from tests.support.rows import make_creation, read_creation
from tests.support.servers import wait_until
from worker.sweeps import Sweep

PAST, FUTURE = timedelta(seconds=-5), timedelta(seconds=60)


@pytest.fixture
def sweep(engine: Engine, line: Line) -> Sweep:
    return Sweep(engine, line, load(WorkSettings, sweep_seconds=0.2))


def test_a_wiped_queue_is_filled_again_from_the_rows(sweep: Sweep, engine: Engine, queue: WorkQueue) -> None:
    waiting = {make_creation(engine) for _ in range(3)}
    painted = make_creation(engine, state=State.PAINTED)
    cut_off = make_creation(engine, state=State.REPLYING, next_attempt_at=now() + PAST)
    assert sweep.run() == 5
    queue.connection.flushdb()
    assert sweep.run() == 5
    assert queue.waiting(PAINT) == waiting
    assert queue.waiting(REPLY) == {painted, cut_off}


def test_what_no_job_could_prolong_is_left_to_its_job_for_a_while(sweep: Sweep, engine: Engine) -> None:
    make_creation(engine)
    held = make_creation(engine, state=State.PAINTING, claim="alive", attempts=1, next_attempt_at=now() + PAST)
    assert sweep.run(release=False) == 1
    assert read_creation(engine, held).claim == "alive"
    assert sweep.run() == 1
    assert read_creation(engine, held).state == State.QUEUED


def test_what_stands_in_the_queue_is_not_put_there_again(sweep: Sweep, engine: Engine, queue: WorkQueue) -> None:
    make_creation(engine)
    assert [sweep.run(), sweep.run()] == [1, 0]
    assert queue.connection.llen("rq:queue:paint") == 1


def test_what_is_done_refused_or_not_due_is_left_alone(sweep: Sweep, engine: Engine) -> None:
    for state in (State.REPLIED, State.REFUSED, State.FAILED):
        make_creation(engine, state=state, next_attempt_at=None)
    make_creation(engine, state=State.PAINTED, next_attempt_at=None, reply_outcome="x_not_summoned")
    make_creation(engine, next_attempt_at=now() + FUTURE)
    make_creation(engine, state=State.PAINTING, claim="alive", next_attempt_at=now() + FUTURE)
    assert sweep.run() == 0


def test_a_painting_whose_job_died_waits_anew(sweep: Sweep, engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTING, claim="dead", attempts=1, next_attempt_at=now() + PAST)
    assert sweep.run() == 1
    row = read_creation(engine, creation_id)
    assert (row.state, row.claim, row.attempts) == (State.QUEUED, None, 1)


def test_a_painting_that_kills_every_job_ends_as_failed(sweep: Sweep, engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTING, claim="dead", attempts=8, next_attempt_at=now() + PAST)
    assert sweep.run() == 0
    row = read_creation(engine, creation_id)
    assert (row.state, row.code, row.next_attempt_at) == (State.FAILED, "unexpected", None)


def test_an_answer_that_kills_every_job_ends_in_the_gallery_only(sweep: Sweep, engine: Engine) -> None:
    values = {"state": State.REPLYING, "claim": "dead", "attempts": 24, "next_attempt_at": now() + PAST}
    creation_id = make_creation(engine, **values)
    assert sweep.run() == 0
    row = read_creation(engine, creation_id)
    assert (row.state, row.reply_outcome) == (State.PAINTED, "x_gave_up")


def test_it_goes_on_when_the_queue_comes_back(
    engine: Engine, queue: WorkQueue, queue_server: str, tmp_path: Path
) -> None:
    make_creation(engine)
    link = tmp_path / "link.sock"
    away = open_queue(f"unix://{link}")
    line = Line(engine, away, Pace(away, load(PaceSettings)), load(MoneySettings))
    sweep = Sweep(engine, line, load(WorkSettings, sweep_seconds=0.2))
    stopped = threading.Event()
    running = threading.Thread(target=sweep.keep_running, args=(stopped,))
    running.start()
    link.symlink_to(queue_server.removeprefix("unix://").partition("?")[0])
    wait_until(lambda: queue.waiting(PAINT), "it did not go on")
    stopped.set()
    running.join(5)
    assert not running.is_alive()


def test_the_host_sees_what_failed_and_sends_it_on_its_way_again(sweep: Sweep, engine: Engine) -> None:
    values = {"state": State.FAILED, "code": "gpu_down", "last_error": "gpu_down: ConnectError", "attempts": 8}
    creation_id = make_creation(engine, next_attempt_at=None, **values)
    lines = list(report(engine, sweep.line.queue, sweep.line.pace, sweep.line.money))
    assert lines[0] == "failed: 1"
    assert any(f"creation {creation_id}: failed after 8 attempts: gpu_down: ConnectError" in line for line in lines)
    assert send_again(engine) == 1
    assert sweep.run() == 1
    assert read_creation(engine, creation_id).state == State.QUEUED
