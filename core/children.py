"""Starts child processes that end with their parent. Linux does it itself; elsewhere the parent has to."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(sent: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process `sent` when its parent ends, even by kill -9. To be called in the child."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sent)
