"""Hand back a creation that is being generated when its worker has to stop.

    SIGTERM to the worker -> its job has STOP_GRACE_SECONDS to finish -> the call to the GPU service ends
    -> the creation is queued again, without losing an attempt, for another worker or the next start

Only that call is interrupted: it can be repeated, and it can last minutes. A reply that is being posted is not: it ends
within a few timeouts of X, and cut off it would have to be looked for on X first.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from core.errors import TryLater

HAND_BACK = signal.SIGUSR1
REPEAT_SECONDS = 1.0


def ignore_hand_back() -> None:
    """First in every job: the signal's own default would kill it at any point."""
    signal.signal(HAND_BACK, signal.SIG_IGN)


@contextmanager
def may_be_handed_back() -> Iterator[None]:
    """A block that ends with TryLater("worker_stopped") if the worker has to stop. Main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(HAND_BACK, _hand_back)
    try:
        yield
    finally:
        signal.signal(HAND_BACK, before)


def ask_for_it_after(seconds: float, job_pid: Callable[[], int]) -> None:
    """In the worker: after the grace, signal the job until it has ended. `job_pid` returns 0 if there is none."""
    threading.Thread(target=_ask, args=(seconds, job_pid), name="hand-back", daemon=True).start()


def _ask(seconds: float, job_pid: Callable[[], int]) -> None:
    time.sleep(seconds)
    # The job may be before its call to the GPU service, where the signal is ignored: ask again.
    while pid := job_pid():
        try:
            os.kill(pid, HAND_BACK)
        except ProcessLookupError:
            return
        time.sleep(REPEAT_SECONDS)


def _hand_back(_number: int, _frame: FrameType | None) -> None:
    raise TryLater("worker_stopped", "the worker was told to stop", counted=False)
