"""Run RQ jobs in one long-lived process.

A worker runs its jobs itself, one after the other: a fork for each job took three fifths of the CPU of a creation. It
ends after WORKER_MAX_JOBS jobs or above WORKER_MAX_MEMORY_MB, and its pool (`worker/pool.py`) starts the next one.

RQ has no settings for most of this, so its public methods are overridden. Each override says why.
"""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawValue
from types import FrameType
from typing import Any

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from core.logs import get_logger
from core.outage import QUEUE, outages
from core.queue import JOB_TIMEOUT
from worker.job import ValidatedJob
from worker.queue_outage import stop_requested
from worker.shutdown import ignore_requeue_signal, request_requeue_after

log = get_logger(__name__)

# A job ends itself at its timeout. The pool kills its worker this much later.
KILL_AFTER_SECONDS = 60.0
HEARTBEAT_SECONDS = 10.0
WORKER_OPTIONS: dict[str, Any] = {
    "maintenance_interval": 30,
    "worker_ttl": 30,
    "log_job_description": False,
    "serializer": JSONSerializer,
}


@dataclass(frozen=True)
class WorkerLimits:
    """What a worker process may use before it is replaced.

    stop_grace: seconds that a job may go on after a stop was requested.
    """

    stop_grace: float = 8.0
    max_jobs: int = 1000
    max_memory_mb: int = 600


class PoolWorker(SimpleWorker):
    """RQ's worker that does not fork, with heartbeats during jobs, and without a scheduler.

    RQ makes the workers, so the pool sets these on the class:

    limits: when the process ends.
    can_work: whether this process may take jobs now.
    job_deadline: monotonic time at which the pool kills this process; 0 between jobs.
    """

    job_class = ValidatedJob
    log_result_lifespan = False
    # An embedded queue server is back within a second. RQ would wait up to a minute.
    max_connection_wait_time = 2.0
    limits = WorkerLimits()
    can_work: Callable[[], bool] = staticmethod(lambda: True)
    job_deadline = RawValue("d", 0.0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(WORKER_OPTIONS | kwargs))
        self._jobs_done = 0
        self._pool_pid = os.getppid()

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work without RQ's scheduler, which its pool always starts: retries are rows."""
        ignore_requeue_signal()
        return bool(super().work(*args, **(kwargs | {"with_scheduler": False})))

    def subscribe(self) -> None:
        """Start no thread that listens for commands: none are sent."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job. Meanwhile a thread sends heartbeats, which RQ's worker without forks does not."""
        self.job_deadline.value = time.monotonic() + (job.timeout or JOB_TIMEOUT) + KILL_AFTER_SECONDS
        done = threading.Event()
        thread = threading.Thread(target=self._send_heartbeats, args=(done,), name="heartbeat", daemon=True)
        thread.start()
        try:
            super().execute_job(job, queue)
        finally:
            done.set()
            thread.join()
            self.job_deadline.value = 0.0
            self._jobs_done += 1

    def _send_heartbeats(self, done: threading.Event) -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            if os.getppid() != self._pool_pid and time.monotonic() > self.job_deadline.value:
                # No pool is left to do it, and this process would renew its creation's lease for ever.
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                self.heartbeat()
            except RedisError as error:
                outages.record_failure(QUEUE, error)

    def handle_warm_shutdown_request(self) -> None:
        """Queue the creation again if its job takes longer than the grace."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        request_requeue_after(self.limits.stop_grace, lambda: os.getpid() if self.job_deadline.value else 0)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Take no job while this machine cannot do it. RQ can only suspend the workers of all machines.

        Raises StopRequested, which ends the process, if it has reached a limit. In burst mode nothing would replace it.
        """
        if timeout is not None and self._is_at_limit():
            raise StopRequested
        while not self.can_work():
            self.heartbeat()
            time.sleep(1)
        return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    def _is_at_limit(self) -> bool:
        """Return whether another process should go on. Each does one job at least, whatever memory it starts with."""
        if self._jobs_done == 0:
            return False
        if (memory_mb := _max_memory_mb()) > self.limits.max_memory_mb:
            log.info("worker replaced for its memory", megabytes=round(memory_mb), jobs=self._jobs_done)
            return True
        return self._jobs_done >= self.limits.max_jobs

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Also stop waiting for a queue that is away."""
        stop_requested.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_exception(self, job: Job, *exc_info: object) -> None:
        """Report a queue that went away under a job once, as an outage. RQ would log it as the job's failure."""
        if isinstance(exc_info[1], RedisError):
            outages.record_failure(QUEUE, exc_info[1])
            return
        super().handle_exception(job, *exc_info)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Register again if the queue's data was lost. RQ registers only once.

        timeout: ignored, so that a killed worker is forgotten soon. RQ would keep it as long as its job might take.
        """
        super().heartbeat(None, pipeline)
        self.connection.sadd(self.redis_workers_keys, self.key)


def _max_memory_mb() -> float:
    """Return the most memory that this process has used at once."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
