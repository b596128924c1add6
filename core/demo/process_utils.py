"""End child processes with their parent. Works on Linux only; elsewhere the parent has to stop them."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, sent: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process `sent` when its parent ends, even by kill -9. Call it first in the child.

    parent: process id of the parent. If the parent has already ended, exit now, because no signal would come.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sent)
        if os.getppid() != parent:
            os._exit(1)
