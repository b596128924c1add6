"""The pool as a real process: what dies is started again, a stop is heard at any moment, nothing is left."""

import asyncio
import os
import signal
import subprocess
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

from core.clock import now
from core.database import open_database
from core.line import Line
from core.models import State
from core.money.ledger import spent_on
from core.queue import JOBS, PAINT, WorkQueue, creation_of
from core.schema import migrate
from core.settings import WorkSettings
from tests.support.rows import make_creation, read_creation
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import process, serving, wait_until
from worker.errand import Errand
from worker.pool import TunedWorker
from worker.sweeps import Sweep

pytestmark = pytest.mark.processes

WORKERS = 3
CHILDREN = WORKERS + 1  # and the sweeper


@contextmanager
def pool(folder: Path, queue_server: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A pool of three workers in a house of its own."""
    migrate(open_database(f"sqlite:///{folder / 'threadpaint.db'}"))
    keys = {name.upper(): value for name, value in KEYS.items()}
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "REDIS_URL": queue_server, "WORKERS": "3"}
    with process("-m", "worker", environment=environment | keys | settings, log=folder / "log") as running:
        wait_until(lambda: len(children(running)) == CHILDREN, "the pool did not start")
        yield running


def children(running: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [child for child in psutil.Process(running.pid).children() if _lives(child)]


def _lives(child: psutil.Process) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_it_starts_again_what_dies(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    with pool(tmp_path, queue_server) as running:
        first = {child.pid for child in children(running)}
        for child in children(running):
            child.kill()
        wait_until(lambda: len({child.pid for child in children(running)} - first) == CHILDREN, "not all came back")


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.012, 0.025])
def test_a_stop_while_workers_are_started_again_is_heard(
    tmp_path: Path, queue: WorkQueue, queue_server: str, delay: float
) -> None:
    with pool(tmp_path, queue_server) as running:
        old = {child.pid for child in children(running)}
        for child in children(running):
            child.kill()
        wait_until(lambda: {child.pid for child in children(running)} - old, "none came back")
        time.sleep(delay)
        running.send_signal(signal.SIGTERM)
        assert running.wait(8) == 0


def test_a_job_that_another_worker_tidied_up_has_not_failed(queue: WorkQueue) -> None:
    mail = Queue("mail", connection=queue.connection, serializer=JSONSerializer)
    mail.enqueue("time.sleep", 1, job_id="twice", result_ttl=0)
    threading.Timer(0.3, queue.connection.delete, [Job.key_for("twice")]).start()
    TunedWorker([mail], connection=queue.connection, job_class=Sleep).work(burst=True)
    assert mail.failed_job_registry.count == mail.started_job_registry.count == 0


class Sleep(Errand):
    """A job that takes a while."""

    functions = frozenset({"time.sleep"})


def test_jobs_that_are_not_ours_are_removed_with_a_line_each_and_ours_are_done(
    queue: WorkQueue, tmp_path: Path
) -> None:
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


class Counting(TunedWorker):
    """Notes what it would do."""

    job_class = type("Ours", (Errand,), {"functions": frozenset({"time.sleep", *JOBS.values()})})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.done: list[str] = []

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.done.append(job.id)


def test_jobs_of_an_older_version_are_sent_again_by_the_sweep(
    engine: Engine, line: Line, queue: WorkQueue, settings: WorkSettings
) -> None:
    creation_id = make_creation(engine, with_post=False)
    Queue(PAINT, connection=queue.connection).enqueue(JOBS[PAINT], creation_id, job_id=f"paint-{creation_id}")
    sweep = Sweep(engine, line, settings)
    assert sweep.run() == 0, "it stands in the queue"
    old = Counting([PAINT], connection=queue.connection)
    old.work(burst=True)
    assert (old.done, sweep.run()) == ([], 1)
    new = Counting([PAINT], connection=queue.connection)
    new.work(burst=True)
    assert [creation_of(name) for name in new.done] == [creation_id]


def test_nothing_is_left_when_the_pool_is_killed(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    with pool(tmp_path, queue_server) as running:
        family = children(running)
        running.kill()
        running.wait()
        _gone, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []


def test_a_wiped_queue_and_a_painter_that_is_away_lose_no_creation_and_no_try(
    tmp_path: Path, queue: WorkQueue, queue_server: str
) -> None:
    settings = {"GPU_URL": "http://127.0.0.1:1", "PAINT_ATTEMPTS": "1", "RETRY_SECONDS": "0.2", "SWEEP_SECONDS": "0.2"}
    with pool(tmp_path, queue_server, **settings):
        engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
        queue.connection.flushdb()
        creation_id = make_creation(engine)
        wait_until(lambda: read_creation(engine, creation_id).last_error, "it was not tried")
        row = read_creation(engine, creation_id)
        assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 0, "gpu_down: connection refused")
        assert queue.waiting(PAINT) == set()


def test_a_worker_whose_queue_was_wiped_is_on_the_list_again_with_its_next_heartbeat(queue: WorkQueue) -> None:
    worker = TunedWorker([PAINT], connection=queue.connection)
    worker.register_birth()
    queue.connection.flushdb()
    assert queue.count_workers() == 0
    worker.heartbeat()
    assert queue.count_workers() == 1


def test_what_is_deleted_is_forgotten_beside_the_sweep(
    tmp_path: Path, queue: WorkQueue, queue_server: str, x: SandboxX
) -> None:
    post_id = x.post("@threadpaint a fox")
    answer_id = x.post("here", author="threadpaint", in_reply_to=str(post_id))
    with pool(tmp_path, queue_server, X_API_URL=x.url, KEEP_SECONDS="0.2"):
        engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
        values = {"state": State.REPLIED, "reply_post_id": answer_id, "next_attempt_at": None, "deleted_at": now()}
        creation_id = make_creation(engine, **values)
        wait_until(lambda: read_creation(engine, creation_id).forgotten_at, "it was not forgotten")
        assert x.replies(post_id) == []
        assert spent_on(engine, creation_id) == {"delete": 10_000}


class UnresponsiveService:
    """A GPU service that takes orders and never answers. `left`: set once a caller has hung up."""

    def __init__(self) -> None:
        self.orders, self.left = 0, threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (message := await receive())["type"] != "http.disconnect":
            self.orders += not message.get("more_body", False)
        self.left.set()


def test_a_worker_that_stops_hands_back_what_takes_longer_than_the_grace(
    tmp_path: Path, queue: WorkQueue, queue_server: str
) -> None:
    service = UnresponsiveService()
    with serving(service) as url, pool(tmp_path, queue_server, GPU_URL=url, STOP_GRACE_SECONDS="0.5") as running:
        engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
        creation_id = make_creation(engine)
        wait_until(lambda: service.orders, "it was not sent to the GPU service")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        row = read_creation(engine, creation_id)
        assert (row.state, row.attempts, row.claim) == (State.QUEUED, 0, None)
        assert row.last_error == "worker_stopped: the worker was told to stop"
        assert service.left.wait(10), "the GPU service was left with the order"


def test_what_is_done_within_the_grace_is_finished(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def slow(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        begun.set()
        await asyncio.to_thread(go_on.wait, 60)
        await send({"type": "http.response.start", "status": 422, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with serving(slow) as url, pool(tmp_path, queue_server, GPU_URL=url, STOP_GRACE_SECONDS="60") as running:
        engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
        creation_id = make_creation(engine)
        assert begun.wait(30)
        running.send_signal(signal.SIGTERM)
        go_on.set()
        assert running.wait(30) == 0
        assert read_creation(engine, creation_id).state == State.REFUSED
