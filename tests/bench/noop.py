"""Measure the baseline: RQ's SimpleWorker with a job that does nothing, as many as the demo has, on its own server."""

import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rq import Queue, SimpleWorker

from core.queue import open_queue
from tests.support.servers import process, wait_until

JOBS = 300
WORKERS = 3


@dataclass(frozen=True)
class NoopJob:
    """Seconds of one job for all workers together, and CPU seconds of the worker that runs it."""

    seconds: float
    cpu: float


def nothing() -> None:
    """Do nothing. This is the job."""


def measure_noop_job() -> NoopJob:
    """Run JOBS jobs with WORKERS workers, from the first start to the last end."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATA_DIR": folder, "REDIS_URL": ""}
        with process("-m", "core", "queue-server", environment=environment):
            socket = Path(folder) / "queue.sock"
            wait_until(socket.exists, "the queue server did not start")
            return _measure(f"unix://{socket}?db=0")


def _measure(url: str) -> NoopJob:
    connection = open_queue(url).connection
    queue = Queue("noop", connection=connection)
    queue.enqueue_many([Queue.prepare_data(nothing, result_ttl=0) for _ in range(JOBS)])
    workers = [get_context("fork").Process(target=_work, args=(url,)) for _ in range(WORKERS)]
    started, cpu = time.perf_counter(), _children_cpu()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return NoopJob((time.perf_counter() - started) / JOBS, (_children_cpu() - cpu) / JOBS)


def _children_cpu() -> float:
    """Return the CPU seconds of child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _work(url: str) -> None:
    connection = open_queue(url).connection
    SimpleWorker(["noop"], connection=connection).work(burst=True, logging_level="ERROR")
