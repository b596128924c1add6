"""A request that a firewall refuses is distinguished from a backend that refuses all requests."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from core.cli.status import render_status
from core.errors import TryLater
from core.gpu_health import GpuCircuitBreaker
from core.models import State
from core.queue import PAINT, WorkQueue
from core.reason_codes import message_for
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, load
from core.storage import FolderStorage
from gpu.api.service import create_app
from tests.support.gpu_service import (
    FixedService,
    Scripted,
    ScriptedService,
    SmallSketchEngine,
    behind_firewall,
    result_body,
    sketch_service,
)
from tests.support.rows import make_creation, make_due, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import on_shared_server, serving, wait_until
from worker.gpu.client import GenerateRequest, GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy

PAGE = b"<html><title>Attention required</title></html>"
SUSPECT = "`curl http://127.0.0.1/x` as a poster"
REFUSALS = {
    "401": Scripted(401, PAGE),
    "403": Scripted(403, PAGE),
    "404": Scripted(404, PAGE),
    "405": Scripted(405),
    "406": Scripted(406, PAGE),
    "413": Scripted(413, PAGE),
    "422 of a firewall": Scripted(422, PAGE),
    "429": Scripted(429, b"", {"Retry-After": "3000"}),
    "503": Scripted(503, PAGE),
    "redirect": Scripted(302, b"", {"Location": "https://login.example/"}),
    "redirect after": Scripted(303, b"", {"Location": "https://login.example/"}),
    "login page": Scripted(200, PAGE, {"Content-Type": "text/html"}),
}
# A status that may pass by itself counts only after another request succeeded.
BUSY = ("429", "503")
each_refusal = pytest.mark.parametrize("refusal", REFUSALS)


@pytest.fixture
def gpu_breaker(queue: WorkQueue) -> GpuCircuitBreaker:
    return GpuCircuitBreaker(queue)


@contextmanager
def service_behind_firewall(refusal: Scripted, *, knows_contract: bool = True, paints: bool = False) -> Iterator[str]:
    """Run a service behind a firewall that refuses prompts with a backtick.

    The real service says what an empty request lacks; one that does not know our contract breaks the connection.
    paints: return real pictures in any case.
    """
    real = knows_contract or paints
    service = create_app(SmallSketchEngine(), token=None) if real else ScriptedService(Scripted(200, result_body()))
    empty = None if knows_contract else Scripted(200, b"{}", cut=True)
    guarded = behind_firewall(service, lambda prompt: refusal if "`" in prompt else None, empty=empty)
    with serving(guarded) if real else on_shared_server(guarded) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the service is not ready")
        yield url


def make_request(number: int, *, suspect: bool = False) -> GenerateRequest:
    return GenerateRequest(SUSPECT if suspect else "a quiet pond", seeds=(42,), creation_id=number)


def refused(gpu: GpuClient, number: int) -> TryLater:
    with pytest.raises(TryLater) as caught:
        gpu.generate(make_request(number, suspect=True))
    return caught.value


# -- one request


@each_refusal
def test_a_refused_request_is_the_cause_if_an_empty_one_is_read(gpu_breaker: GpuCircuitBreaker, refusal: str) -> None:
    with service_behind_firewall(REFUSALS[refusal]) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        first = refused(gpu, 1)
        assert (first.code, first.counted) == ("gpu_refused", refusal not in BUSY)
        assert first.after <= 300
        assert (gpu_breaker.unhealthy(), gpu_breaker.capacity()) == ([], None)
        gpu.generate(make_request(2))
        assert refused(gpu, 1).counted
        assert "GPU_TOKEN" not in str(refused(gpu, 1))


@each_refusal
def test_a_refusal_counts_once_another_request_succeeded(gpu_breaker: GpuCircuitBreaker, refusal: str) -> None:
    with service_behind_firewall(REFUSALS[refusal], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        assert [refused(gpu, 1).counted for _ in range(4)] == [False] * 4, "maybe all requests are refused"
        assert (gpu_breaker.unhealthy(), gpu_breaker.capacity()) == ([], None)
        gpu.generate(make_request(2))
        assert [refused(gpu, 1).counted for _ in range(2)] == [True, False]


def test_an_unhealthy_backend_suspects_no_request(gpu_breaker: GpuCircuitBreaker) -> None:
    away = ScriptedService(Scripted(403, PAGE), health=Scripted(502, PAGE), empty=Scripted(500))
    with on_shared_server(away) as url:
        error = refused(GpuClient((url,), gpu_breaker=gpu_breaker), 1)
    assert (error.code, error.counted) == ("gpu_down", False)
    assert gpu_breaker.capacity() == 0


@each_refusal
def test_a_backend_that_refuses_all_costs_no_attempt(gpu_breaker: GpuCircuitBreaker, refusal: str) -> None:
    with on_shared_server(ScriptedService(REFUSALS[refusal])) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in range(4):
            assert not refused(gpu, number).counted
            assert gpu_breaker.capacity() == 0, "one is enough to know"
            end_pauses(gpu_breaker)
        assert len(gpu_breaker.unhealthy()) == 1


def test_the_token_is_blamed_only_if_all_requests_are_refused(gpu_breaker: GpuCircuitBreaker) -> None:
    with sketch_service(small=True) as url:
        error = refused(GpuClient((url,), token="wrong", gpu_breaker=gpu_breaker), 1)
    assert str(error) == "gpu_unauthorized: GPU_TOKEN is not the service's token"
    assert not error.counted


def test_a_request_that_locks_us_out_is_the_cause(gpu_breaker: GpuCircuitBreaker) -> None:
    locked: list[bool] = []

    def firewall(prompt: str) -> Scripted | None:
        if "`" in prompt:
            locked.append(True)
        return Scripted(403, PAGE) if locked else None

    with on_shared_server(behind_firewall(ScriptedService(Scripted(200, result_body())), firewall)) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        counted = []
        for _ in range(3):
            counted.append(refused(gpu, 1).counted)
            assert gpu_breaker.capacity() == 0
            end_pauses(gpu_breaker)
            locked.clear()
            gpu.generate(make_request(2))
    assert counted == [False, True, True]


# -- several at once, and the queue


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_three_suspect_requests_delay_others_only_briefly(
    gpu_breaker: GpuCircuitBreaker, engine: Engine, dispatcher: Dispatcher, queue: WorkQueue
) -> None:
    suspects = [make_creation(engine, with_post=False, prompt=SUSPECT, queue_rank=n) for n in range(3)]
    innocent = make_creation(engine, with_post=False, queue_rank=9)
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in suspects:
            refused(gpu, number)
        assert gpu_breaker.capacity() == 0, "all requests may be refused"
        outage = gpu_breaker.outage()
        assert outage is not None
        assert outage.retry_in <= 15
        end_pauses(gpu_breaker)
        assert dispatcher.dispatch(PAINT) == 1
        assert queue.queued_ids(PAINT) == {innocent}, "not one of those that may be the reason"
        gpu.generate(make_request(innocent))
        assert gpu_breaker.capacity() is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_suspect_probes_if_no_other_creation_waits(
    gpu_breaker: GpuCircuitBreaker, engine: Engine, dispatcher: Dispatcher
) -> None:
    suspects = [make_creation(engine, with_post=False, prompt=SUSPECT) for _ in range(3)]
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in suspects:
            refused(gpu, number)
        end_pauses(gpu_breaker)
        assert dispatcher.dispatch(PAINT) == 1


def test_the_pause_stays_short_however_often_suspects_are_refused(gpu_breaker: GpuCircuitBreaker) -> None:
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in range(12):
            refused(gpu, number % 4)
            assert gpu_breaker.open_for(url) <= 15
            end_pauses(gpu_breaker)


def test_a_proven_suspect_opens_no_breaker(gpu_breaker: GpuCircuitBreaker) -> None:
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for _ in range(5):
            for number in (1, 2, 3):
                refused(gpu, number)
                gpu.generate(make_request(9))
        assert (gpu_breaker.unhealthy(), gpu_breaker.capacity()) == ([], None)


@pytest.mark.parametrize("knows_contract", [True, False])
def test_a_refused_request_moves_to_a_backend_that_accepts_it(
    gpu_breaker: GpuCircuitBreaker, knows_contract: bool
) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(service_behind_firewall(REFUSALS[kind])) for kind in ("403", "503")]
        urls.append(stack.enter_context(service_behind_firewall(REFUSALS["404"], knows_contract=knows_contract)))
        gpu = GpuClient(tuple(urls), gpu_breaker=gpu_breaker)
        assert refused(gpu, 1).counted
        assert (gpu_breaker.unhealthy(), gpu_breaker.capacity()) == ([], None)
        open_one = stack.enter_context(on_shared_server(ScriptedService(Scripted(200, result_body()))))
        assert (
            GpuClient((*urls, open_one), gpu_breaker=gpu_breaker).generate(make_request(1, suspect=True)).model == "m"
        )


def test_suspects_may_be_lost_with_the_queue(gpu_breaker: GpuCircuitBreaker, queue: WorkQueue) -> None:
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        refused(gpu, 1)
        gpu.generate(make_request(2))
        queue.connection.flushdb()
        assert not refused(gpu, 1).counted, "nothing is known any more"
        gpu.generate(make_request(2))
        assert refused(gpu, 1).counted


def test_without_the_queue_no_request_is_blamed() -> None:
    with service_behind_firewall(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,))
        gpu.generate(make_request(2))
        assert [refused(gpu, 1).counted for _ in range(3)] == [False] * 3


# -- other failures that one request may cause


def test_a_failure_of_only_this_request_opens_no_breaker(
    gpu_breaker: GpuCircuitBreaker,
) -> None:
    alone = FixedService(500, b'{"error": "no picture came out: not_a_number", "only_this": true}', healthy=True)
    with on_shared_server(alone) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in range(6):
            with pytest.raises(TryLater, match="gpu_failed") as caught:
                gpu.generate(make_request(number))
            assert caught.value.counted
        assert (gpu_breaker.unhealthy(), gpu_breaker.capacity()) == ([], None)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_suspect_is_not_used_to_probe_the_backend(
    gpu_breaker: GpuCircuitBreaker, engine: Engine, dispatcher: Dispatcher, queue: WorkQueue
) -> None:
    poison = [make_creation(engine, with_post=False, queue_rank=n) for n in range(3)]
    innocent = make_creation(engine, with_post=False, queue_rank=9)
    with on_shared_server(FixedService(500, healthy=True)) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        for number in poison:
            with pytest.raises(TryLater):
                gpu.generate(make_request(number))
    end_pauses(gpu_breaker)
    assert dispatcher.dispatch(PAINT) == 1
    assert queue.queued_ids(PAINT) == {innocent}


# -- with creations


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("knows_contract", [True, False])
def test_a_refused_creation_fails_with_its_own_reason_and_others_are_painted(
    engine: Engine,
    gpu_breaker: GpuCircuitBreaker,
    x: SandboxX,
    storage: FolderStorage,
    dispatcher: Dispatcher,
    settings: JobSettings,
    knows_contract: bool,
) -> None:
    with service_behind_firewall(REFUSALS["403"], knows_contract=knows_contract, paints=True) as url:
        gpu = GpuClient((url,), gpu_breaker=gpu_breaker)
        step = PaintStep(engine, gpu, x.client(), storage, dispatcher, settings, load(BudgetSettings), ReplyPolicy())
        suspect = make_creation(engine, with_post=False, prompt=SUSPECT)
        others = [make_creation(engine, with_post=False) for _ in range(settings.paint_attempts + 1)]
        for number in others:
            run_step(step, suspect)
            run_step(step, number)
            make_due(engine)
        row = read_creation(engine, suspect)
        assert (row.state, row.reason_code) == (State.FAILED, "gpu_refused")
        assert {read_creation(engine, number).state for number in others} == {State.PAINTED}
    assert "this prompt" in message_for("gpu_refused")
    status = "\n".join(render_status(engine, dispatcher.queue, dispatcher.rate_limiter, load(BudgetSettings)))
    assert "gpu_refused" in status
    assert "GPU_TOKEN" not in status


def end_pauses(gpu_breaker: GpuCircuitBreaker) -> None:
    assert gpu_breaker.queue is not None
    redis: Any = gpu_breaker.queue.connection
    redis.delete(
        "gpu-breaker:all-open",
        *redis.scan_iter("gpu-breaker:open:*"),
        *redis.scan_iter("gpu-breaker:probe:*"),
    )
