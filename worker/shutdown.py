"""Queue a creation again that is being generated when its worker has to stop.

    SIGTERM to the worker -> its job has STOP_GRACE_SECONDS to finish -> the call to the GPU service ends
    -> the creation is queued again, without losing an attempt, for another worker or the next start

The worker runs its job in its main thread, so it sends the signal to itself.

Only that call is interrupted: it can be repeated, and it can take minutes. A reply that is being posted is not
interrupted: it ends within a few timeouts of X, and its outcome would have to be looked up on X.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from core.errors import TryLater

REQUEUE_SIGNAL = signal.SIGUSR1
REPEAT_SECONDS = 1.0


def ignore_requeue_signal() -> None:
    """Call first in every worker: by default the signal would kill it at any point."""
    signal.signal(REQUEUE_SIGNAL, signal.SIG_IGN)


@contextmanager
def requeue_on_stop() -> Iterator[None]:
    """Raise TryLater("worker_stopped") from the block if the worker has to stop. Works in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(REQUEUE_SIGNAL, _raise_worker_stopped)
    try:
        yield
    finally:
        signal.signal(REQUEUE_SIGNAL, previous)


def request_requeue_after(seconds: float, job_pid: Callable[[], int]) -> None:
    """Signal the job after the grace, until it has ended. `job_pid` returns 0 if there is none."""
    threading.Thread(target=_signal_job, args=(seconds, job_pid), name="requeue", daemon=True).start()


def _signal_job(seconds: float, job_pid: Callable[[], int]) -> None:
    time.sleep(seconds)
    # Repeat: the job ignores the signal until it calls the GPU service.
    while pid := job_pid():
        try:
            os.kill(pid, REQUEUE_SIGNAL)
        except ProcessLookupError:
            return
        time.sleep(REPEAT_SECONDS)


def _raise_worker_stopped(_number: int, _frame: FrameType | None) -> None:
    raise TryLater("worker_stopped", "the worker was asked to stop", counted=False)
