"""Measure the baseline: RQ's SimpleWorker with a job that does nothing, as many as the demo has, on its own server."""

import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from rq import Queue, SimpleWorker

from core.queue import open_queue
from tests.support.servers import process, wait_until

JOBS = 300
WORKERS = 3


def nothing() -> None:
    """Do nothing. This is the job."""


def noop_job_seconds() -> float:
    """Return seconds per job, from the first start to the last end, for all workers together."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATA_DIR": folder, "REDIS_URL": ""}
        with process("-m", "core", "queue-server", environment=environment):
            socket = Path(folder) / "queue.sock"
            wait_until(socket.exists, "the queue server did not start")
            return _measure(f"unix://{socket}?db=0")


def _measure(url: str) -> float:
    connection = open_queue(url).connection
    queue = Queue("noop", connection=connection)
    queue.enqueue_many([Queue.prepare_data(nothing, result_ttl=0) for _ in range(JOBS)])
    workers = [get_context("fork").Process(target=_work, args=(url,)) for _ in range(WORKERS)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.perf_counter() - started) / JOBS


def _work(url: str) -> None:
    connection = open_queue(url).connection
    SimpleWorker(["noop"], connection=connection).work(burst=True, logging_level="ERROR")
