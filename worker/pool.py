"""RQ's worker and pool, tuned: dead jobs are noticed at once, nothing outlives its parent, one sweeper runs beside.

RQ's defaults notice an abandoned job after 13 minutes (measured 807 s). Our claims run out in 30 s and the sweep acts
on them, so RQ's own recovery only tidies its registries; its scheduler is not used.
"""

import signal
import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from rq import Queue, Worker
from rq.job import Job
from rq.worker_pool import WorkerPool

from core.children import die_with_parent

INTERVALS: dict[str, Any] = {
    "maintenance_interval": 30,
    "worker_ttl": 30,
    "job_monitoring_interval": 10,
    "log_job_description": False,
}


class TunedWorker(Worker):
    """RQ's forking worker with short intervals, without a scheduler."""

    log_result_lifespan = False
    # An embedded queue server is back within a second; a minute's wait would be felt.
    max_connection_wait_time = 2.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(INTERVALS | kwargs))

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """As RQ, but without its scheduler: retries are rows, and the sweep enqueues them."""
        die_with_parent()
        return bool(super().work(*args, **(kwargs | {"with_scheduler": False})))

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """As RQ, but the job dies with its worker: an orphan would work on a claim that others think is lost."""
        die_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As RQ, and stay on the list of workers also when the queue's data was wiped."""
        super().heartbeat(timeout, pipeline)
        self.connection.sadd(self.redis_workers_keys, self.key)


class Pool(WorkerPool):
    """RQ's pool of workers, which starts dead ones again, and one sweeper process treated the same."""

    def __init__(self, *args: Any, sweep: Callable[[threading.Event], None], **kwargs: Any) -> None:
        super().__init__(*args, **({"worker_class": TunedWorker} | kwargs))
        self._sweep = sweep
        self._sweeper: BaseProcess | None = None

    def check_workers(self, respawn: bool = True) -> None:
        """Every second: workers and sweeper shall live."""
        super().check_workers(respawn)
        if respawn and self.status != self.Status.STOPPED and not (self._sweeper and self._sweeper.is_alive()):
            self._sweeper = get_context("fork").Process(target=_sweep_until_told, args=(self._sweep,), name="sweeper")
            self._sweeper.start()

    def stop_workers(self) -> None:
        """Tell all to finish what they do and end."""
        super().stop_workers()  # type: ignore[no-untyped-call]
        if self._sweeper and self._sweeper.is_alive():
            self._sweeper.terminate()


def _sweep_until_told(sweep: Callable[[threading.Event], None]) -> None:
    die_with_parent()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    sweep(stopped)
