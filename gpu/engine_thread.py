"""The engine thread: one thread owns the engine; orders wait in a bounded queue and are painted in batches.

Knows engines and threads; knows no HTTP and no picture format. The way of one order:

    submit -> queue -> take (equal keys, a few ms of patience) -> engine.paint -> future
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from gpu.engine import Checker, Engine, EngineBroken, NotReady, Order, PaintFailed, Painting, QueueFull, Verdict

log = logging.getLogger("gpu")

Status = Literal["new", "loading", "ok", "broken", "stopped"]


@dataclass(frozen=True)
class Outcome:
    """The paintings of one order with what the check said of each (none: no check), its seconds by stage, and the
    pictures in its batch. `gpu` is its share of the device's time, `idle` the device's time before it that is nobody's.
    """

    paintings: list[Painting]
    verdicts: list[Verdict | None]
    queued: float
    painting: float
    checking: float
    gpu: float
    idle: float
    batch_size: int


@dataclass(eq=False)
class _Waiting:
    order: Order
    future: Future[Outcome]
    since: float = field(default_factory=time.monotonic)


class EngineThread:
    """Runs an engine. `submit` and `status` are for any thread; the engine is touched by its own thread only."""

    def __init__(
        self,
        engine: Engine,
        *,
        checker: Checker | None = None,
        queue_limit: int = 64,
        batch_wait: float = 0.004,
        keeps: float = 0.0,
    ) -> None:
        """`queue_limit` counts waiting orders; `batch_wait` is how many seconds an order waits for company; `keeps` is
        how many seconds the machine is paid for after its last order."""
        self.engine = engine
        self.checker = checker
        self.status: Status = "new"
        self.batches = 0
        self._queue_limit = queue_limit
        self._batch_wait = batch_wait
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._settled = threading.Event()
        self._pace = 0.1  # seconds per picture, a running mean
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin loading the engine; a second call does nothing."""
        with self._changed:
            if self.status != "new":
                return
            self.status = "loading"
        self._thread.start()

    def wait_settled(self, timeout: float | None = None) -> Status:
        """Wait until the engine has loaded or failed to, and say which."""
        self._settled.wait(timeout)
        return self.status

    def stop(self, timeout: float = 0.5) -> None:
        """Fail what waits and end the thread after the batch in hand; it is a daemon if that takes too long."""
        self._fail_all("stopped")
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def check_room(self) -> None:
        """Raise NotReady or QueueFull as `submit` would, before work is spent on an order."""
        if self.status != "ok":
            raise NotReady(self.status)
        if len(self._queue) >= self._queue_limit:
            raise QueueFull(self._retry_after())

    def submit(self, order: Order) -> Future[Outcome]:
        """Queue an order. Cancelling the future takes it out of the queue, unless it is being painted.

        The future raises PaintFailed, or NotReady when the engine broke or stopped meanwhile.
        """
        waiting = _Waiting(order, Future())
        with self._changed:
            self.check_room()
            self._queue.append(waiting)
            self._changed.notify()
        waiting.future.add_done_callback(lambda future: self._forget(waiting) if future.cancelled() else None)
        return waiting.future

    def _forget(self, waiting: _Waiting) -> None:
        with self._changed:
            if waiting in self._queue:
                self._queue.remove(waiting)

    def _retry_after(self) -> int:
        pictures = sum(len(waiting.order.pieces) for waiting in self._queue.copy())
        return min(60, max(1, math.ceil(pictures * self._pace)))

    def _run(self) -> None:
        try:
            self._load()
            while batch := self._next_batch():
                self._paint(batch)
        except BaseException:  # EngineBroken, a fault of ours, a library that calls exit(): no thread, no service
            log.exception("engine broken")
            self._fail_all("broken")
        finally:
            self._settled.set()

    def _load(self) -> None:
        began = time.monotonic()
        try:
            self.engine.load()
            if self.checker:
                self.checker.load()
        except Exception as error:
            raise EngineBroken("the engine did not load") from error
        with self._changed:
            if self.status == "loading":
                self.status = "ok"
        self._settled.set()
        log.info("engine ready model=%s seconds=%.1f", self.engine.model, time.monotonic() - began)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for an order and its company; an empty list means stop."""
        with self._changed:
            while True:
                while not self._queue and self.status == "ok":
                    self._changed.wait()
                if self.status != "ok":
                    return []
                self._await_company()
                if batch := self._take():
                    return batch

    def _await_company(self) -> None:
        """Give the oldest order a few ms to be joined by others, if the engine gains by it."""
        until = self._queue[0].since + self._batch_wait
        limit = self.engine.limits.batch
        while self.status == "ok" and self._queue and self._pictures_like_first() < limit:
            rest = until - time.monotonic()
            if rest <= 0:
                return
            self._changed.wait(rest)

    def _pictures_like_first(self) -> int:
        key = self._queue[0].order.key
        return sum(len(waiting.order.pieces) for waiting in self._queue if waiting.order.key == key)

    def _take(self) -> list[_Waiting]:
        """The oldest order and those after it with its key, as many as fit; cancelled ones are dropped."""
        batch: list[_Waiting] = []
        room = self.engine.limits.batch
        for waiting in list(self._queue):
            size = len(waiting.order.pieces)
            if batch and (waiting.order.key != batch[0].order.key or size > room):
                continue
            self._queue.remove(waiting)
            if waiting.future.set_running_or_notify_cancel():
                batch.append(waiting)
                room -= size
        return batch

    def _paint(self, batch: list[_Waiting]) -> None:
        began = time.monotonic()
        try:
            paintings = self._paintings(batch)
        except BaseException as error:  # whatever it is, somebody waits for an answer
            for waiting in batch:
                waiting.future.set_exception(PaintFailed("the engine failed"))
            if isinstance(error, EngineBroken) or not isinstance(error, Exception):
                raise
            log.exception("batch failed orders=%d", len(batch))
            return
        self._answer(batch, paintings, began)

    def _paintings(self, batch: list[_Waiting]) -> list[Painting]:
        """Paint all pieces of a batch, in slices when one order alone is larger than the engine's batch."""
        key = batch[0].order.key
        pieces = [piece for waiting in batch for piece in waiting.order.pieces]
        limit = self.engine.limits.batch
        paintings: list[Painting] = []
        for first in range(0, len(pieces), limit):
            paintings += self.engine.paint(key, pieces[first : first + limit])
        if len(paintings) != len(pieces):
            raise RuntimeError(f"the engine painted {len(paintings)} of {len(pieces)} pieces")
        return paintings

    def _answer(self, batch: list[_Waiting], paintings: list[Painting], began: float) -> None:
        seconds = time.monotonic() - began
        self.batches += 1
        self._pace += 0.2 * (seconds / len(paintings) - self._pace)
        rest = iter(paintings)
        for waiting in batch:
            own = list(islice(rest, len(waiting.order.pieces)))
            verdicts: list[Verdict | None] = [None] * len(own)
            if self.checker:
                verdicts = list(self.checker.check([painting.image for painting in own]))
            share = seconds * len(own) / len(paintings)
            waiting.future.set_result(
                Outcome(own, verdicts, began - waiting.since, seconds, 0.0, share, 0.0, len(paintings))
            )

    def _fail_all(self, status: Literal["broken", "stopped"]) -> None:
        with self._changed:
            self.status = status
            left = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for waiting in left:
            if waiting.future.set_running_or_notify_cancel():
                waiting.future.set_exception(NotReady(status))
