"""Run RQ workers in a pool, and one recovery process beside them.

The pool restarts workers that end (`worker/pool_worker.py`), and kills one whose job ignores its timeout.

RQ notices an abandoned job after 13 minutes (measured: 807 s). Our leases expire after 45 s and the recovery loop acts
on them, so RQ's own recovery only tidies its registries, and its scheduler is not used.

RQ has no settings for most of this, so its public methods are overridden. Each override says why.
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
from multiprocessing.sharedctypes import RawValue
from typing import Any

from redis import Redis
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool

from core.demo.process_utils import die_with_parent
from core.logs import get_logger
from worker.job import ValidatedJob
from worker.pool_worker import PoolWorker, WorkerLimits
from worker.queue_outage import STOP_SIGNALS, log_errors, restore_stop_signals, run_until_queue_returns

log = get_logger(__name__)

# Exit status of the recovery process if the machine's clock is wrong.
EXIT_WRONG_CLOCK = 78


class Pool(WorkerPool):
    """RQ's pool, which restarts dead workers, and one recovery process that is restarted as well."""

    def __init__(
        self,
        *args: Any,
        recover: Callable[[threading.Event], None],
        limits: WorkerLimits = PoolWorker.limits,
        can_work: Callable[[], bool] = lambda: True,
        **kwargs: Any,
    ) -> None:
        PoolWorker.can_work = staticmethod(can_work)
        PoolWorker.limits = limits
        defaults = {"worker_class": PoolWorker, "job_class": ValidatedJob, "serializer": JSONSerializer}
        super().__init__(*args, **(defaults | kwargs))
        self._recover = recover
        self._recovery: BaseProcess | None = None
        self._job_deadlines: dict[str, Any] = {}

    @property
    def has_wrong_clock(self) -> bool:
        """Return whether the recovery process has found that this machine's clock is wrong."""
        return self._recovery is not None and self._recovery.exitcode == EXIT_WRONG_CLOCK

    def start_worker(
        self, count: int | None = None, burst: bool = True, _sleep: float = 0, logging_level: str = "WARNING"
    ) -> None:
        """Start no worker after a stop was requested: RQ would not stop it. It also forgets the level at a restart."""
        with _stop_signals_blocked():
            if self.status != self.Status.STOPPED:
                super().start_worker(count, burst, _sleep, logging_level)

    def get_worker_process(
        self, name: str, burst: bool, _sleep: float = 0, logging_level: str = "WARNING"
    ) -> BaseProcess:
        """Wrap the worker's main function, which is the only way to run code first in its process."""
        process = super().get_worker_process(name, burst, _sleep, logging_level)
        self._job_deadlines[name] = deadline = RawValue("d", 0.0)
        run = partial(_run_worker, deadline, process.run, self.connection, wait=not burst)
        process.run = partial(_child_main, os.getpid(), run)  # type: ignore[method-assign]
        return process

    def check_workers(self, respawn: bool = True) -> None:
        """Restart dead processes, unless this machine must not work. Called every second."""
        if respawn and self.has_wrong_clock and self.status != self.Status.STOPPED:
            self.request_stop()  # type: ignore[no-untyped-call]
        super().check_workers(respawn)
        with _stop_signals_blocked():
            is_alive = self._recovery is not None and self._recovery.is_alive()
            # Read the exit status again: the process may have ended since the check above.
            if respawn and not is_alive and not self.has_wrong_clock and self.status != self.Status.STOPPED:
                self._start_recovery()

    def reap_workers(self) -> None:
        """Before, kill workers whose job ignores its timeout. Called every second, also after a stop was requested."""
        self._job_deadlines = {name: self._job_deadlines[name] for name in self.worker_dict}
        for name, deadline in self._job_deadlines.items():
            if 0 < deadline.value < time.monotonic():
                log.error("worker killed: its job did not end at its timeout", pid=self.worker_dict[name].pid)
                self.worker_dict[name].process.kill()
        super().reap_workers()  # type: ignore[no-untyped-call]

    def all_workers_have_stopped(self) -> bool:
        """Check more often than RQ's once a second: the operator waits for the stop."""
        deadline = time.monotonic() + 1
        while not (stopped := bool(super().all_workers_have_stopped())) and time.monotonic() < deadline:
            time.sleep(0.02)
        return stopped

    def stop_workers(self) -> None:
        """Also stop the recovery process."""
        super().stop_workers()  # type: ignore[no-untyped-call]
        if self._recovery and self._recovery.is_alive():
            self._recovery.terminate()

    def _start_recovery(self) -> None:
        process = get_context("fork").Process(target=_child_main, args=(os.getpid(), self._run_recovery))
        process.start()
        self._recovery = process

    def _run_recovery(self) -> None:
        stopped = threading.Event()
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: stopped.set())
        self._recover(stopped)


@contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """Delay a stop to the end of the block: it must not fall between a fork and the note of its pid."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _run_worker(deadline: Any, run: Callable[[], None], connection: Redis, *, wait: bool) -> None:
    PoolWorker.job_deadline = deadline
    run_until_queue_returns(run, connection, wait=wait)


def _child_main(parent_pid: int, run: Callable[[], None]) -> None:
    """Run first in every child: drop the pool's signal handlers, and deliver a stop that was delayed."""
    restore_stop_signals()
    die_with_parent(parent_pid)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    log_errors(run)
