"""RQ's worker and pool, tuned: dead jobs are noticed at once, nothing outlives its parent, one sweeper runs beside.

RQ's defaults notice an abandoned job after 13 minutes (measured 807 s). Our claims run out in 45 s and the sweep acts
on them, so RQ's own recovery only tidies its registries; its scheduler is not used.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool

from core.children import die_with_parent
from core.outage import QUEUE, outages
from worker.errand import Errand
from worker.outlasting import STOPS, Stopping, log_what_ends_it, outlast, restore_stop_signals
from worker.stopping import ask_for_it_after, ignore_hand_back

# The sweeper's status at its end when the machine's clock is wrong.
MUST_NOT_WORK = 78
INTERVALS: dict[str, Any] = {
    "maintenance_interval": 30,
    "worker_ttl": 30,
    "job_monitoring_interval": 10,
    "log_job_description": False,
    "serializer": JSONSerializer,
}


class TunedWorker(Worker):
    """RQ's forking worker with short intervals, without a scheduler."""

    job_class = Errand

    log_result_lifespan = False
    # An embedded queue server is back within a second; a minute's wait would be felt.
    max_connection_wait_time = 2.0
    # Seconds that a job may go on after a stop was asked for. Set before the fork: RQ makes the workers.
    stop_grace = 8.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(INTERVALS | kwargs))

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """As RQ, but without its scheduler: retries are rows, and the sweep enqueues them."""
        return bool(super().work(*args, **(kwargs | {"with_scheduler": False})))

    def subscribe(self) -> None:
        """Not as RQ: no thread that listens for commands to workers. Nobody sends them here; a process that forks is
        better without threads, and ends a second sooner."""

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """As RQ, but remember who forks: the job must end with its worker."""
        self._forked_by = os.getpid()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """As RQ, but the job dies with its worker: an orphan would work on a claim that others think is lost."""
        die_with_parent(self._forked_by, signal.SIGKILL)
        ignore_hand_back()
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """As RQ, and a job that takes longer than the grace hands its creation back."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        ask_for_it_after(self.stop_grace, lambda: self.horse_pid)

    # Whether this process may take jobs now; the pool sets it before it forks.
    may_work: Callable[[], bool] = staticmethod(lambda: True)

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> Any:
        """As RQ, but take no job while it could not be done here."""
        while not self.may_work():
            self.heartbeat()
            time.sleep(1)
        return super().dequeue_job_and_maintain_ttl(*args, **kwargs)

    def request_stop(self, signum: Any, frame: Any) -> None:
        """As RQ, and do not wait for a queue that is away."""
        Stopping.asked = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """As RQ; but a queue that went away under a job is an outage, reported once, and no fault of the job's."""
        if isinstance(exc_info[1], RedisError):
            outages.failed(QUEUE, exc_info[1])
            return
        super().handle_exception(job, *exc_info)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As RQ, and stay on the list of workers also when the queue's data was wiped."""
        super().heartbeat(timeout, pipeline)
        self.connection.sadd(self.redis_workers_keys, self.key)


POOL_DEFAULTS: dict[str, Any] = {"worker_class": TunedWorker, "job_class": Errand, "serializer": JSONSerializer}


class Pool(WorkerPool):
    """RQ's pool of workers, which starts dead ones again, and one sweeper process treated the same."""

    def __init__(
        self,
        *args: Any,
        sweep: Callable[[threading.Event], None],
        stop_grace: float = 8.0,
        may_work: Callable[[], bool] = lambda: True,
        **kwargs: Any,
    ) -> None:
        TunedWorker.may_work = staticmethod(may_work)
        TunedWorker.stop_grace = stop_grace
        super().__init__(*args, **(POOL_DEFAULTS | kwargs))
        self._sweep = sweep
        self._sweeper: BaseProcess | None = None

    def start_worker(self, *args: Any, **kwargs: Any) -> None:
        """As RQ, but never once a stop was asked for: nobody would tell that worker to end."""
        with _signals_held():
            if self.status != self.Status.STOPPED:
                kwargs.setdefault("logging_level", "WARNING")  # RQ forgets it for those it starts again
                super().start_worker(*args, **kwargs)

    def get_worker_process(self, name: str, burst: bool, *args: Any, **kwargs: Any) -> BaseProcess:
        """As RQ, but it begins as a child of this pool should. Without a queue a burst is over."""
        process = super().get_worker_process(name, burst, *args, **kwargs)
        run = partial(outlast, process.run, self.connection, waits=not burst)
        process.run = partial(_begin, os.getpid(), run)  # type: ignore[method-assign]
        return process

    @property
    def must_not_work(self) -> bool:
        """Whether the sweeper has found that this machine's clock is wrong."""
        return self._sweeper is not None and self._sweeper.exitcode == MUST_NOT_WORK

    def check_workers(self, respawn: bool = True) -> None:
        """Every second: workers and sweeper shall live, unless this machine must not work."""
        if respawn and self.must_not_work and self.status != self.Status.STOPPED:
            self.request_stop()  # type: ignore[no-untyped-call]
        super().check_workers(respawn)
        with _signals_held():
            alive = self._sweeper is not None and self._sweeper.is_alive()
            # It may have ended since the look above: started again, it would end in the same gap for ever.
            if respawn and not alive and not self.must_not_work and self.status != self.Status.STOPPED:
                self._sweeper = get_context("fork").Process(target=_begin, args=(os.getpid(), self._sweep_until_told))
                self._sweeper.start()

    def all_workers_have_stopped(self) -> bool:
        """As RQ, but look more often than once a second: the host waits."""
        deadline = time.monotonic() + 1
        while not (stopped := bool(super().all_workers_have_stopped())) and time.monotonic() < deadline:
            time.sleep(0.02)
        return stopped

    def stop_workers(self) -> None:
        """Tell all to finish what they do and end."""
        super().stop_workers()  # type: ignore[no-untyped-call]
        if self._sweeper and self._sweeper.is_alive():
            self._sweeper.terminate()

    def _sweep_until_told(self) -> None:
        stopped = threading.Event()
        for number in STOPS:
            signal.signal(number, lambda *_: stopped.set())
        self._sweep(stopped)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let a stop wait for the end of the block: it must not fall between a fork and what is noted of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: int, run: Callable[[], None]) -> None:
    """First in every child: the pool's own handlers are not ours, and a stop that was held is heard now."""
    restore_stop_signals()
    die_with_parent(parent)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    log_what_ends_it(run)
