"""The pool as a real process: dead processes are restarted, a stop works at any moment, no process is left."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import Engine
from structlog.testing import capture_logs

from core.budget.ledger import cost_of_creation
from core.clock import now
from core.models import State
from core.queue import JOBS, PAINT, WorkQueue, creation_id_of
from core.scheduling import Dispatcher
from core.settings import JobSettings
from tests.support import stuck_job
from tests.support.forked_process import ForkedProcess, forked_process
from tests.support.rows import make_creation, read_creation
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import process, serving, wait_until
from worker.job import ValidatedJob
from worker.pool_worker import PoolWorker, WorkerLimits
from worker.recovery import RecoveryLoop

pytestmark = pytest.mark.processes

WORKERS = 3
CHILDREN = WORKERS + 1  # and the recovery process


@contextmanager
def pool(folder: Path, queue_server: str, **settings: str) -> Iterator[ForkedProcess]:
    """Run a pool of three workers with its own data folder, which has a migrated database."""
    keys = {name.upper(): value for name, value in KEYS.items()}
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "REDIS_URL": queue_server,
        "WORKER_CONCURRENCY": "3",
    }
    with forked_process("worker", environment=environment | keys | settings, log=folder / "log") as running:
        wait_until(lambda: len(children(running)) == CHILDREN, "the pool did not start")
        yield running


def children(running: ForkedProcess) -> list[psutil.Process]:
    return [child for child in psutil.Process(running.pid).children() if _lives(child)]


def _lives(child: psutil.Process) -> bool:
    try:
        return bool(child.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.usefixtures("migrated_engine")
def test_dead_processes_are_restarted(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    with pool(tmp_path, queue_server) as running:
        first = {child.pid for child in children(running)}
        for child in children(running):
            child.kill()
        wait_until(lambda: len({child.pid for child in children(running)} - first) == CHILDREN, "not all came back")


@pytest.mark.usefixtures("migrated_engine")
def test_a_worker_is_replaced_after_its_last_job(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    with pool(tmp_path, queue_server, WORKER_MAX_JOBS="2") as running:
        first = {child.pid for child in children(running)}
        queue.enqueue(PAINT, range(1, 1 + 2 * WORKERS))  # no such creations: each job ends at once
        wait_until(lambda: len({child.pid for child in children(running)} - first) == WORKERS, "not all were replaced")
        assert queue.queued_ids(PAINT) == set()


def start_stuck_job(queue: WorkQueue, number: int) -> int:
    """Enqueue a job that ignores its timeout of a second. Return the process that took it, the `number`th."""
    stuck = Queue(stuck_job.QUEUE, connection=queue.connection, serializer=JSONSerializer)
    stuck.enqueue(stuck_job.JOB, 1, job_timeout=1)
    return int(wait_until(lambda: queue.connection.lindex("pids", number), "no worker took the job"))


@pytest.mark.parametrize("pool_ends_by", [None, signal.SIGTERM, signal.SIGKILL])
def test_a_worker_is_killed_if_its_job_ignores_the_timeout(
    queue: WorkQueue, queue_server: str, pool_ends_by: signal.Signals | None
) -> None:
    with process("-m", stuck_job.__name__, queue_server, environment={}) as running:
        stuck = start_stuck_job(queue, 0)
        if pool_ends_by:
            running.send_signal(pool_ends_by)
            assert running.wait(30) == (-signal.SIGKILL if pool_ends_by == signal.SIGKILL else 0)
        wait_until(lambda: not psutil.pid_exists(stuck), "it was not killed")
        if not pool_ends_by:
            assert start_stuck_job(queue, 1) != stuck, "another worker goes on"


def test_a_worker_that_uses_much_memory_ends_after_its_job(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PoolWorker, "limits", WorkerLimits(max_memory_mb=1))
    plain = Queue(PAINT, connection=queue.connection, serializer=JSONSerializer)
    for _ in range(2):
        plain.enqueue("time.sleep", 0, result_ttl=0)
    PoolWorker([PAINT], connection=queue.connection, job_class=Sleep).work()
    assert plain.count == 1


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.012, 0.025])
@pytest.mark.usefixtures("migrated_engine")
def test_a_stop_during_a_restart_works(tmp_path: Path, queue: WorkQueue, queue_server: str, delay: float) -> None:
    with pool(tmp_path, queue_server) as running:
        old = {child.pid for child in children(running)}
        for child in children(running):
            child.kill()
        wait_until(lambda: {child.pid for child in children(running)} - old, "none came back")
        time.sleep(delay)
        running.send_signal(signal.SIGTERM)
        assert running.wait(8) == 0


def test_a_job_removed_by_another_worker_has_not_failed(queue: WorkQueue) -> None:
    mail = Queue("mail", connection=queue.connection, serializer=JSONSerializer)
    mail.enqueue("time.sleep", 1, job_id="twice", result_ttl=0)
    threading.Timer(0.3, queue.connection.delete, [Job.key_for("twice")]).start()
    PoolWorker([mail], connection=queue.connection, job_class=Sleep).work(burst=True)
    assert mail.failed_job_registry.count == mail.started_job_registry.count == 0


class Sleep(ValidatedJob):
    """Accepts `time.sleep`."""

    functions = frozenset({"time.sleep"})


def test_foreign_jobs_are_removed_and_logged_and_ours_run(queue: WorkQueue, tmp_path: Path) -> None:
    target = tmp_path / "run"
    run = ("pathlib.Path.touch", [str(target)])
    plain = Queue(PAINT, connection=queue.connection, serializer=JSONSerializer)
    plain.enqueue(run[0], args=run[1], job_id="stranger")
    plain.enqueue(JOBS[PAINT], "1", job_id="no-number")
    plain.enqueue(JOBS[PAINT], 1, 2, job_id="too-many")
    plain.enqueue(JOBS[PAINT], 1, job_id="callback", on_success=Callback("time.sleep"))
    Queue(PAINT, connection=queue.connection).enqueue(Path.touch, target, job_id="pickled")
    queue.connection.hset(Job.key_for("broken"), mapping={"data": b"?", "created_at": "yesterday"})
    for name in ("broken", "no such job", "a name; of nothing"):
        queue.connection.rpush("rq:queue:paint", name)
    Queue(PAINT, connection=queue.connection, serializer=JSONSerializer).enqueue("time.sleep", 0, job_id="ours")
    ours = Counting(["paint"], connection=queue.connection)
    with capture_logs() as logged:
        ours.work(burst=True)
    assert ours.done == ["ours"]
    removed = [line["job"] for line in logged if line["event"] == "job removed from the queue"]
    strangers = ["stranger", "no-number", "too-many", "callback", "pickled", "broken"]
    assert removed == [*strangers, "no such job", "a name; of nothing"]
    assert not target.exists()
    assert plain.failed_job_registry.count == plain.count == 0
    assert not any(queue.connection.exists(Job.key_for(name)) for name in strangers)


class AllowedSleep(ValidatedJob):
    """Accepts jobs of ours and `time.sleep`."""

    functions = frozenset({"time.sleep", *JOBS.values()})


class Counting(PoolWorker):
    """Records jobs instead of running them."""

    job_class = AllowedSleep

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.done: list[str] = []

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.done.append(job.id)


def test_jobs_of_an_older_version_are_enqueued_again(
    engine: Engine, dispatcher: Dispatcher, queue: WorkQueue, settings: JobSettings
) -> None:
    creation_id = make_creation(engine, with_post=False)
    Queue(PAINT, connection=queue.connection).enqueue(JOBS[PAINT], creation_id, job_id=f"paint-{creation_id}")
    recovery = RecoveryLoop(engine, dispatcher, settings)
    assert recovery.run_once() == 0, "it is queued already"
    old = Counting([PAINT], connection=queue.connection)
    old.work(burst=True)
    assert (old.done, recovery.run_once()) == ([], 1)
    new = Counting([PAINT], connection=queue.connection)
    new.work(burst=True)
    assert [creation_id_of(name) for name in new.done] == [creation_id]


@pytest.mark.usefixtures("migrated_engine")
def test_no_process_is_left_when_the_pool_is_killed(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    with pool(tmp_path, queue_server) as running:
        family = children(running)
        running.kill()
        running.wait()
        _gone, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []


def test_a_wiped_queue_and_a_missing_backend_lose_no_creation_and_no_attempt(
    migrated_engine: Engine, tmp_path: Path, queue: WorkQueue, queue_server: str
) -> None:
    settings = {
        "GPU_URL": "http://127.0.0.1:1",
        "PAINT_ATTEMPTS": "1",
        "RETRY_SECONDS": "0.2",
        "RECOVERY_INTERVAL_SECONDS": "0.2",
    }
    with pool(tmp_path, queue_server, **settings):
        queue.connection.flushdb()
        creation_id = make_creation(migrated_engine)
        wait_until(lambda: read_creation(migrated_engine, creation_id).last_error, "it was not tried")
        row = read_creation(migrated_engine, creation_id)
        assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 0, "gpu_down: connection refused")
        assert queue.queued_ids(PAINT) == set()


def test_a_worker_registers_again_after_the_queue_was_wiped(queue: WorkQueue) -> None:
    worker = PoolWorker([PAINT], connection=queue.connection)
    worker.register_birth()  # type: ignore[no-untyped-call]  # RQ's
    queue.connection.flushdb()
    assert queue.count_workers() == 0
    worker.heartbeat()
    assert queue.count_workers() == 1


def test_deleted_creations_are_purged_beside_the_recovery_loop(
    migrated_engine: Engine, tmp_path: Path, queue: WorkQueue, queue_server: str, x: SandboxX
) -> None:
    post_id = x.post("@threadpaint a fox")
    answer_id = x.post("here", author="threadpaint", in_reply_to=str(post_id))
    with pool(tmp_path, queue_server, X_API_URL=x.url, PURGE_INTERVAL_SECONDS="0.2"):
        values: dict[str, Any] = {
            "state": State.REPLIED,
            "reply_post_id": answer_id,
            "next_attempt_at": None,
            "deleted_at": now(),
        }
        creation_id = make_creation(migrated_engine, **values)
        wait_until(lambda: read_creation(migrated_engine, creation_id).purged_at, "it was not purged")
        assert x.replies(post_id) == []
        assert cost_of_creation(migrated_engine, creation_id) == {"delete": 10_000}


class UnresponsiveService:
    """A GPU service that never responds. `left`: set once a caller has disconnected."""

    def __init__(self) -> None:
        self.orders, self.left = 0, threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (message := await receive())["type"] != "http.disconnect":
            self.orders += not message.get("more_body", False)
        self.left.set()


def test_a_stopping_worker_requeues_work_beyond_the_grace(
    migrated_engine: Engine, tmp_path: Path, queue: WorkQueue, queue_server: str
) -> None:
    service = UnresponsiveService()
    with serving(service) as url, pool(tmp_path, queue_server, GPU_URL=url, STOP_GRACE_SECONDS="0.5") as running:
        creation_id = make_creation(migrated_engine)
        wait_until(lambda: service.orders, "it was not sent to the GPU service")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        row = read_creation(migrated_engine, creation_id)
        assert (row.state, row.attempts, row.lease_token) == (State.QUEUED, 0, None)
        assert row.last_error == "worker_stopped: the worker was asked to stop"
        assert service.left.wait(10), "the call was not ended"


def test_work_within_the_grace_is_finished(
    migrated_engine: Engine, tmp_path: Path, queue: WorkQueue, queue_server: str
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def slow(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        begun.set()
        await asyncio.to_thread(go_on.wait, 60)
        await send({"type": "http.response.start", "status": 422, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with serving(slow) as url, pool(tmp_path, queue_server, GPU_URL=url, STOP_GRACE_SECONDS="60") as running:
        creation_id = make_creation(migrated_engine)
        assert begun.wait(30)
        running.send_signal(signal.SIGTERM)
        go_on.set()
        assert running.wait(30) == 0
        assert read_creation(migrated_engine, creation_id).state == State.REFUSED
