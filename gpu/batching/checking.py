"""Painted batches are checked in a thread of their own, while the engine thread paints the next one.

Knows a checker and threads; knows no engine and no queue of orders. Whatever happens here, every batch that was handed
over is given back: with verdicts, or with the reason why there are none. A picture whose check raises has no verdict
and is withheld; the others of its batch are checked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from PIL.Image import Image

from gpu.batching.meter import Meter
from gpu.batching.painted import Painted, Verdicts
from gpu.engine import UNCHECKED, Checker, EngineBroken, Failure, Painting, Verdict
from gpu.places import place_of

log = logging.getLogger("gpu")

# One is checked and two wait: more would only hold pictures in memory, since the check is then the slower half.
_MOST_WAITING = 2


Checked = Callable[[Painted, list[Verdicts], float], None]
Failed = Callable[[Painted, BaseException | None], None]


class WrongCount(Exception):
    """The checker returned more or fewer verdicts than it got pictures: nobody knows whose they are."""


class CheckThread:
    """Calls `checked(batch, verdicts of each order, seconds)` or `failed(batch, why)`, from its own thread.

    `why` is what the checker raised; None: the batch came after the end.
    """

    def __init__(self, checker: Checker, meter: Meter, *, checked: Checked, failed: Failed) -> None:
        self._checker, self._meter = checker, meter
        self._checked, self._failed = checked, failed
        self._batches: deque[Painted] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="check", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand_over(self, batch: Painted) -> None:
        """Give a batch to be checked; waits while too many are."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or len(self._batches) < _MOST_WAITING)
            if not self._ending:
                self._batches.append(batch)
                self._changed.notify_all()
                return
        self._failed(batch, None)

    @property
    def waiting(self) -> int:
        return len(self._batches)

    def end(self, *, drop: bool = False) -> None:
        """Take no more batches; those that wait are checked still, or dropped."""
        with self._changed:
            self._ending = True
            dropped = list(self._batches) if drop else []
            if drop:
                self._batches.clear()
            self._changed.notify_all()
        for batch in dropped:
            self._failed(batch, None)

    def join(self, timeout: float) -> None:
        join(self._thread, timeout)

    def _run(self) -> None:
        while self._check_next():
            pass

    def _check_next(self) -> bool:
        """Check one batch; False at the end. Holds no batch while it waits for the next."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._batches)
            if not self._batches:
                return False
            batch = self._batches.popleft()
            self._changed.notify_all()
        try:
            verdicts, seconds = self._check(batch)
            self._checked(batch, verdicts, seconds)
        except BaseException as error:  # whatever it is, somebody waits for an answer
            self._failed(batch, error)
        return True

    def _check(self, batch: Painted) -> tuple[list[Verdicts], float]:
        """The verdicts of each order that is still wanted, all checked in one call; the others leave the batch."""
        batch.orders = [(ticket, own) for ticket, own in batch.orders if ticket.wanted]
        images = [result.image for _, own in batch.orders for result in own if isinstance(result, Painting)]
        began = time.monotonic()
        with self._meter.held(batch.use):
            verdicts = iter(self._verdicts(images))
        each = [_judged(own, verdicts) for _, own in batch.orders]
        return each, time.monotonic() - began

    def _verdicts(self, images: Sequence[Image]) -> list[Verdict | None]:
        """One verdict per picture; None if its check raises even alone. Raises EngineBroken, WrongCount."""
        if not images:
            return []
        try:
            return self._judge(images)
        except (EngineBroken, WrongCount):
            raise
        except Exception as error:
            log.error("check failed pictures=%d %s", len(images), place_of(error))
            if len(images) == 1:
                return [None]
        half = len(images) // 2
        return [*self._verdicts(images[:half]), *self._verdicts(images[half:])]

    def _judge(self, images: Sequence[Image]) -> list[Verdict | None]:
        verdicts = self._checker.check(images)
        if len(verdicts) != len(images):
            raise WrongCount(f"the safety check judged {len(verdicts)} of {len(images)} pictures")
        return [*verdicts]


def _judged(own: list[Painting | Failure], verdicts: Iterator[Verdict | None]) -> Verdicts:
    """Take one verdict per painting of an order. A painting without one becomes a failure."""
    taken: Verdicts = []
    for index, result in enumerate(own):
        verdict = next(verdicts) if isinstance(result, Painting) else None
        if verdict is None and isinstance(result, Painting):
            own[index] = Failure(UNCHECKED)
        taken.append(verdict)
    return taken


def join(thread: threading.Thread, timeout: float) -> None:
    """Wait for the end of a thread, which may not have begun, or be the one that asks."""
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join(timeout)
