"""Child processes that end with their parent. Linux does it itself; elsewhere the parent has to."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, sent: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process `sent` when its parent ends, even by kill -9. To be called first in the child.

    parent: process id of who started it. When that one is gone already, nothing will be sent any more: end now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sent)
        if os.getppid() != parent:
            os._exit(1)
