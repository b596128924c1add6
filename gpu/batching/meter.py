"""Whose time on the device it was: every second of a machine's life is one batch's or nobody's. Knows a clock only.

Two batches may hold the device at once (one is checked while the next is painted): they share that time evenly, so that
nothing is counted twice. What nobody holds (loading, pauses, batches that failed, pictures that nobody wanted any more)
gathers as idle time and goes to the next order that is answered, whole; the time the machine is paid for after its last
order (its tail) goes to the first one. So over a machine's life

    shares + idle = life + tail

An estimate where it leaves this house: the share of an answer that gets lost on its way is lost with it, and a machine
that ends before its tail was charged for more than it cost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class Use:
    """The seconds of the device that are one batch's, so far."""

    seconds: float = 0.0


class Meter:
    """Life begins when it is made. For any thread."""

    def __init__(self, *, tail: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._tail = tail
        self._clock = clock
        self._lock = threading.Lock()
        self._holders: list[Use] = []
        self.begin_life()

    def begin_life(self) -> None:
        """Forget what was: a machine restored from a snapshot did not live through what was before it."""
        with self._lock:
            self._idle = self._tail
            self._until = self._clock()

    @contextmanager
    def held(self, use: Use) -> Iterator[None]:
        """What passes within is this batch's, in parts if there are others at the same time."""
        with self._lock:
            self._settle()
            self._holders.append(use)
        try:
            yield
        finally:
            with self._lock:
                self._settle()
                self._holders.remove(use)

    def take_idle(self) -> float:
        """All seconds up to now that are nobody's; whoever takes them carries them."""
        with self._lock:
            self._settle()
            idle, self._idle = self._idle, 0.0
            return idle

    def give_back(self, seconds: float) -> None:
        """These were somebody's who is not there to carry them: now they are nobody's."""
        with self._lock:
            self._idle += seconds

    def _settle(self) -> None:
        """Bring the shares up to the present."""
        now = self._clock()
        passed, self._until = now - self._until, now
        for use in self._holders:
            use.seconds += passed / len(self._holders)
        if not self._holders:
            self._idle += passed
