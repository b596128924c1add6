"""Several backends: the preferred one first, the next if it fails; all workers leave a failed one alone."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select

from core.database import read_connection
from core.errors import Refused, TryLater
from core.gpu_health import GpuCircuitBreaker
from core.models import State, pictures
from core.queue import PAINT, WorkQueue, creation_id_of
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, load
from core.storage import FolderStorage
from tests.support.forked_process import ForkedProcess, forked_process
from tests.support.gpu_service import FixedService, Scripted, ScriptedService, result_body
from tests.support.rows import make_creation, make_due, make_person, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import free_port, on_shared_server, wait_until
from worker.gpu import client, http
from worker.gpu.client import GenerateRequest, GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy

REQUEST = GenerateRequest("a red fox", seeds=(42,), creation_id=1)
GOOD = Scripted(200, result_body())
# More backends: each gets a smaller share of the time.
SPARE = [FixedService(500, healthy=True) for _ in range(4)]


@pytest.fixture
def gpu_breaker(queue: WorkQueue) -> GpuCircuitBreaker:
    return GpuCircuitBreaker(queue)


@contextmanager
def clients(gpu_breaker: GpuCircuitBreaker, *apps: object, timeout: float = 20.0) -> Iterator[GpuClient]:
    """Yield a client of these backends; None stands for an unreachable one."""
    with ExitStack() as stack:
        urls = [
            stack.enter_context(on_shared_server(app)) if app else f"http://127.0.0.1:{free_port()}" for app in apps
        ]
        yield GpuClient(tuple(urls), "secret", timeout, gpu_breaker)


def test_the_first_backend_is_preferred(gpu_breaker: GpuCircuitBreaker) -> None:
    first, second = ScriptedService(GOOD), ScriptedService(GOOD)
    with clients(gpu_breaker, first, second) as gpu:
        for _ in range(3):
            gpu.generate(REQUEST)
    assert (len(first.received), len(second.received)) == (3, 0)


@pytest.mark.parametrize(
    "first",
    [
        None,
        FixedService(401),
        FixedService(404),
        FixedService(429, retry_after="30"),
        FixedService(500),
        FixedService(503),
        FixedService(200, b"garbage"),
        ScriptedService(Scripted(200, result_body(), cut=True)),
    ],
)
def test_the_next_backend_takes_over_from_one_that_fails(gpu_breaker: GpuCircuitBreaker, first: object) -> None:
    second = ScriptedService(GOOD)
    with clients(gpu_breaker, first, second) as gpu:
        assert gpu.generate(REQUEST).model == "m"
    assert len(second.received) == 1


def test_a_silent_backend_leaves_the_next_one_its_share_of_the_time(
    gpu_breaker: GpuCircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_RESPONSE_SECONDS", 0.0)
    silent, second = ScriptedService(Scripted(200, result_body(), first=60)), ScriptedService(GOOD)
    with clients(gpu_breaker, silent, second, *SPARE, timeout=6.0) as gpu:
        assert gpu.generate(REQUEST).model == "m"
    assert silent.max_in_flight == second.max_in_flight == 1


def test_a_backend_that_responded_once_keeps_all_of_the_time(
    gpu_breaker: GpuCircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_RESPONSE_SECONDS", 0.0)
    goes_on = Scripted(303, b"", {"Location": "/v1/paint?id=1"})
    slow, second = ScriptedService(goes_on, Scripted(200, result_body(), first=1.5)), ScriptedService(GOOD)
    with clients(gpu_breaker, slow, second, *SPARE, timeout=6.0) as gpu:
        gpu.generate(REQUEST)
    assert (len(slow.received), len(second.received)) == (2, 0)


def test_a_failed_backend_is_left_alone_by_all_workers(gpu_breaker: GpuCircuitBreaker) -> None:
    busy, second = FixedService(503, retry_after="60"), ScriptedService(GOOD)
    with clients(gpu_breaker, busy, second) as gpu:
        for _ in range(5):
            gpu.generate(REQUEST)
            GpuClient(gpu.urls, "secret", 20.0, GpuCircuitBreaker(gpu_breaker.queue)).generate(REQUEST)
    assert (busy.calls, len(second.received)) == (1, 10)


def test_a_backend_is_tried_after_its_pause_and_then_preferred_again(gpu_breaker: GpuCircuitBreaker) -> None:
    first = ScriptedService(Scripted(503, b"", {"Retry-After": "1"}), GOOD)
    second = ScriptedService(GOOD)
    with clients(gpu_breaker, first, second) as gpu:
        gpu.generate(REQUEST)
        time.sleep(1.1)
        gpu.generate(REQUEST)
        gpu.generate(REQUEST)
    assert (len(first.received), len(second.received)) == (3, 1)


def test_after_the_pause_one_request_probes_and_the_others_do_not_wait(gpu_breaker: GpuCircuitBreaker) -> None:
    second = ScriptedService(GOOD)
    late = Scripted(200, result_body(), until=lambda: len(second.received) == 6)
    first = ScriptedService(Scripted(503, b"", {"Retry-After": "60"}), late, GOOD)
    with clients(gpu_breaker, first, second) as gpu:
        gpu.generate(REQUEST)
        _end_rests(gpu_breaker)
        threads = [threading.Thread(target=gpu.generate, args=(REQUEST,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (first.max_in_flight, len(first.received)) == (1, 2)


def test_a_request_that_breaks_all_backends_opens_no_breaker(gpu_breaker: GpuCircuitBreaker) -> None:
    poisoned = [FixedService(500, healthy=True), FixedService(500, healthy=True)]
    with clients(gpu_breaker, *poisoned) as gpu:
        for _ in range(6):
            with pytest.raises(TryLater, match="gpu_failed") as caught:
                gpu.generate(REQUEST)
            assert caught.value.counted
    assert [service.calls for service in poisoned] == [6, 6]


def test_a_backend_that_fails_with_every_request_is_left_alone(gpu_breaker: GpuCircuitBreaker) -> None:
    broken, second = FixedService(500, healthy=True), ScriptedService(GOOD)
    with clients(gpu_breaker, broken, second) as gpu:
        for number in range(9):
            gpu.generate(GenerateRequest("a fox", seeds=(42,), creation_id=number))
    assert (broken.calls, len(second.received)) == (3, 9)


def test_a_request_that_all_reject_is_refused_without_a_failure(gpu_breaker: GpuCircuitBreaker) -> None:
    both = FixedService(422), FixedService(422)
    with clients(gpu_breaker, *both) as gpu:
        for number in range(5):
            with pytest.raises(Refused):
                gpu.generate(GenerateRequest("a fox", seeds=(42,), creation_id=number))
    assert [service.calls for service in both] == [5, 5]


def test_another_backend_may_fulfill_what_the_preferred_one_rejects(gpu_breaker: GpuCircuitBreaker) -> None:
    second = ScriptedService(GOOD)
    with clients(gpu_breaker, FixedService(422), second) as gpu:
        assert gpu.generate(REQUEST).model == "m"
    assert gpu_breaker.unhealthy() == []


@pytest.mark.parametrize(("away", "code"), [(FixedService(503, retry_after="30"), "gpu_busy"), (None, "gpu_down")])
def test_a_rejected_request_waits_for_a_backend_that_is_away(
    gpu_breaker: GpuCircuitBreaker, away: object, code: str
) -> None:
    lesser = ScriptedService(Scripted(422, b'{"errors": [{"field": "init_image", "reason": "paints from text only"}]}'))
    with clients(gpu_breaker, away, lesser) as gpu:
        for expected in (code, "gpu_resting"):
            with pytest.raises(TryLater, match=expected) as caught:
                gpu.generate(REQUEST)
            assert not caught.value.counted
            assert caught.value.after > 1
        assert "paints from text only" in str(caught.value)
        # The others go on.
        assert gpu_breaker.capacity() is None
    gpu_breaker.reset()


# -- a suspected backend is probed


@pytest.mark.parametrize(
    "health",
    [
        Scripted(502, b"<html>"),
        Scripted(504),
        Scripted(521),
        Scripted(503, b'{"status": "broken"}'),
        Scripted(200, cut=True, body=b"{}"),
    ],
)
def test_a_failing_proxy_costs_one_attempt_however_long_it_lasts(
    gpu_breaker: GpuCircuitBreaker, health: Scripted
) -> None:
    gate = ScriptedService(Scripted(502, b"<html>"), health=health)
    with clients(gpu_breaker, gate) as gpu:
        counted = []
        for _ in range(4):
            with pytest.raises(TryLater) as caught:
                gpu.generate(REQUEST)
            counted.append(caught.value.counted)
            _end_rests(gpu_breaker)
    assert counted == [True, False, False, False]
    assert (len(gate.received), len(gate.health_checks)) == (1, 3)


def test_a_request_that_kills_its_backend_counts_each_time(gpu_breaker: GpuCircuitBreaker) -> None:
    fragile = ScriptedService(Scripted(502))
    with clients(gpu_breaker, fragile) as gpu:
        for _ in range(4):
            with pytest.raises(TryLater) as caught:
                gpu.generate(REQUEST)
            assert caught.value.counted
    assert (len(fragile.received), len(fragile.health_checks)) == (4, 3)


def test_a_backend_that_fails_its_health_check_is_left_alone(
    gpu_breaker: GpuCircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_RESPONSE_SECONDS", 0.0)
    monkeypatch.setattr(http, "PROBE_SECONDS", 0.3)
    unresponsive = ScriptedService(Scripted(200, result_body(), first=60), health=Scripted(first=60))
    second = ScriptedService(GOOD)
    with clients(gpu_breaker, unresponsive, second, *SPARE[:2], timeout=6.0) as gpu:
        for number in range(4):
            gpu.generate(GenerateRequest("a fox", seeds=(42,), creation_id=number))
    assert (len(unresponsive.received), len(second.received)) == (1, 4)
    assert unresponsive.health_checks
    assert len(gpu_breaker.unhealthy()) == 1


def test_a_backend_without_a_health_check_is_still_used(gpu_breaker: GpuCircuitBreaker) -> None:
    plain = ScriptedService(Scripted(500), GOOD, health=Scripted(404))
    with clients(gpu_breaker, plain) as gpu:
        with pytest.raises(TryLater):
            gpu.generate(REQUEST)
        assert gpu.generate(REQUEST).model == "m"
        gpu.generate(REQUEST)
    assert len(plain.health_checks) == 1, "all is well again"


def _end_rests(gpu_breaker: GpuCircuitBreaker) -> None:
    assert gpu_breaker.queue is not None
    for pattern in ("gpu-breaker:open:*", "gpu-breaker:probe:*"):
        for key in gpu_breaker.queue.connection.scan_iter(pattern):
            gpu_breaker.queue.connection.delete(key)


def test_while_all_backends_are_left_alone_none_is_called(gpu_breaker: GpuCircuitBreaker) -> None:
    away = [FixedService(503, retry_after="40"), FixedService(503, retry_after="20")]
    with clients(gpu_breaker, *away) as gpu:
        for code in ("gpu_busy", "gpu_resting", "gpu_resting"):
            with pytest.raises(TryLater) as caught:
                gpu.generate(REQUEST)
            assert (caught.value.code, caught.value.counted) == (code, False)
            assert 18 < caught.value.after <= 20
    assert [service.calls for service in away] == [1, 1]


def test_without_the_queue_every_backend_is_tried() -> None:
    second = ScriptedService(GOOD)
    with clients(GpuCircuitBreaker(None), None, second) as gpu:
        for _ in range(3):
            gpu.generate(REQUEST)
    assert len(second.received) == 3


# -- with creations


@pytest.fixture
def step(
    engine: Engine,
    gpu_breaker: GpuCircuitBreaker,
    x: SandboxX,
    storage: FolderStorage,
    dispatcher: Dispatcher,
    settings: JobSettings,
) -> PaintStep:
    gpu = GpuClient((f"http://127.0.0.1:{free_port()}",), timeout=5, gpu_breaker=gpu_breaker)
    return PaintStep(engine, gpu, x.client(), storage, dispatcher, settings, load(BudgetSettings), ReplyPolicy())


def test_nothing_is_dispatched_while_all_backends_are_away(
    step: PaintStep, engine: Engine, queue: WorkQueue, dispatcher: Dispatcher
) -> None:
    waiting = [make_creation(engine, with_post=False) for _ in range(30)]
    run_step(step, waiting[0])
    queue.connection.delete("rq:queue:paint")
    row = read_creation(engine, waiting[0])
    assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 0, "gpu_down: connection refused")
    assert [dispatcher.dispatch(PAINT) for _ in range(3)] == [0, 0, 0]
    queue.connection.delete("gpu-breaker:all-open")
    assert [dispatcher.dispatch(PAINT) for _ in range(3)] == [1, 0, 0], "one health_checks whether it is back"


def test_all_creations_are_dispatched_once_the_backend_is_back(
    step: PaintStep, engine: Engine, queue: WorkQueue, dispatcher: Dispatcher, gpu_url: str
) -> None:
    first, *others = [make_creation(engine, with_post=False) for _ in range(4)]
    run_step(step, first)
    step.gpu.gpu_breaker.record_success(step.gpu.urls[0])
    make_due(engine)
    assert dispatcher.dispatch(PAINT) == 4
    back = PaintStep(**{**vars(step), "gpu": GpuClient((gpu_url,), token="secret", gpu_breaker=step.gpu.gpu_breaker)})
    for creation_id in (first, *others):
        run_step(back, creation_id)
        assert read_creation(engine, creation_id).state == State.PAINTED


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_long_outage_and_a_lost_queue_keep_the_fair_order(
    step: PaintStep, engine: Engine, queue: WorkQueue, dispatcher: Dispatcher, gpu_url: str
) -> None:
    people = [make_person(engine) for _ in range(4)]
    crowd = [make_creation(engine, with_post=False, person_id=people[n % 4], queue_rank=n) for n in range(CROWD)]
    calls = 0
    for moment in range(24):  # each after the longest pause
        if moment == 12:
            queue.connection.flushdb()
        calls += _as_workers(dispatcher, step)
        queue.connection.delete("gpu-breaker:all-open")
        _end_rests(step.gpu.gpu_breaker)
        make_due(engine)
    rows = [read_creation(engine, one) for one in crowd]
    assert {(row.state, row.attempts) for row in rows} == {(State.QUEUED, 0)}
    # One probe at a time, except for what is dispatched before the outage is known.
    assert calls <= 24 + 2 * 10
    gpu = GpuClient((gpu_url,), token="secret", gpu_breaker=step.gpu.gpu_breaker)
    back = PaintStep(**{**vars(step), "gpu": gpu})
    while _as_workers(dispatcher, back):
        pass
    rows = [read_creation(engine, one) for one in crowd]
    assert {row.state for row in rows} == {State.PAINTED}
    times = [row.painted_at for row in rows]
    assert times == sorted(times)  # type: ignore[type-var]


CROWD = 30


def _as_workers(dispatcher: Dispatcher, step: PaintStep) -> int:
    """Run the dispatched jobs as workers would. Returns how many."""
    dispatcher.dispatch(PAINT)
    names: Any = dispatcher.queue.connection.lrange("rq:queue:paint", 0, -1)
    dispatcher.queue.connection.delete("rq:queue:paint")
    for name in names:
        run_step(step, creation_id_of(name.decode()) or 0)
    return len(names)


def _run_all(step: PaintStep, creation_ids: Iterator[int]) -> None:
    for creation_id in creation_ids:
        run_step(step, creation_id)


@contextmanager
def running_service(folder: Path, port: int) -> Iterator[ForkedProcess]:
    """Run the real service as a process."""
    environment = {"PATH": os.environ["PATH"], "GPU_PORT": str(port), "GPU_TOKEN": "secret", "GPU_ENGINE": "sketch"}
    with forked_process("gpu", environment=environment, log=folder / f"service-{port}.log") as running:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200, "no service", within=40)
        yield running


@pytest.mark.processes
@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # its workers write at the same time
def test_one_of_two_real_backends_may_be_killed_without_loss(step: PaintStep, engine: Engine, tmp_path: Path) -> None:
    one, other = free_port(), free_port()
    urls = (f"http://127.0.0.1:{one}", f"http://127.0.0.1:{other}")
    both = PaintStep(**{**vars(step), "gpu": GpuClient(urls, "secret", 30.0, step.gpu.gpu_breaker)})
    waiting = [make_creation(engine, with_post=False, count=2) for _ in range(8)]
    todo = iter(list(waiting))
    with running_service(tmp_path, one) as first, running_service(tmp_path, other):
        workers = [threading.Thread(target=_run_all, args=(both, todo)) for _ in range(3)]
        for worker in workers:
            worker.start()
        wait_until(lambda: _count_published(engine) >= 4, "nothing is painted")
        first.kill()
        for worker in workers:
            worker.join(60)
        for creation_id in waiting:  # as the recovery loop does: failed ones are due again
            make_due(engine)
            run_step(both, creation_id)
    rows = [read_creation(engine, creation_id) for creation_id in waiting]
    assert {row.state for row in rows} == {State.PAINTED}
    assert _count_published(engine) == 2 * len(waiting)


def _count_published(engine: Engine) -> int:
    with read_connection(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(pictures)).scalar_one())
