"""Account for the device: every second of the machine's life belongs to one batch, or is idle.

Two batches may use the device at once (one is checked while the next is generated). They share that time evenly, so no
second counts twice. Idle time is what no batch used: loading, pauses, and batches that failed or whose callers left. It
accumulates, and the next answered request carries all of it. The first one also carries the tail: the time for which
the machine is paid for after its last request. So, over a machine's life,

    shares + idle = life + tail

This is an estimate. An answer that is lost on its way loses its share, and a machine that ends before its tail was
charged for more than it cost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class DeviceTime:
    """The seconds of the device that one batch has used so far."""

    seconds: float = 0.0


class UsageMeter:
    """Any thread may call it. The machine's life begins when the meter is made."""

    def __init__(self, *, tail: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._tail = tail
        self._clock = clock
        self._lock = threading.Lock()
        self._active: list[DeviceTime] = []
        self.begin_life()

    def begin_life(self) -> None:
        """Start over: a machine restored from a snapshot did not run before it."""
        with self._lock:
            self._idle = self._tail
            self._until = self._clock()

    @contextmanager
    def measure(self, device_time: DeviceTime) -> Iterator[None]:
        """Add the time inside the block to a batch, shared with other batches that are active at the same time."""
        with self._lock:
            self._settle()
            self._active.append(device_time)
        try:
            yield
        finally:
            with self._lock:
                self._settle()
                self._active.remove(device_time)

    def take_idle(self) -> float:
        """Return all idle seconds up to now. The caller charges them to a request."""
        with self._lock:
            self._settle()
            idle, self._idle = self._idle, 0.0
            return idle

    def refund(self, seconds: float) -> None:
        """Turn a request's seconds into idle time, because no answer carries them."""
        with self._lock:
            self._idle += seconds

    def _settle(self) -> None:
        """Distribute the time since the last call."""
        now = self._clock()
        passed, self._until = now - self._until, now
        for device_time in self._active:
            device_time.seconds += passed / len(self._active)
        if not self._active:
            self._idle += passed
