"""The engine thread: one thread owns the engine; orders wait in a bounded queue and are painted in batches.

Knows engines and threads; knows no HTTP and no picture format. The way of one order:

    submit -> FairQueue -> Company (a few ms of patience) -> Painter -> CheckThread -> future
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal

from gpu.batching.checking import CheckThread, join
from gpu.batching.company import Company
from gpu.batching.meter import Meter, Use
from gpu.batching.painted import Painted, Verdicts, answer, fail, shared_out
from gpu.batching.painter import Painter
from gpu.batching.tickets import Outcome, Ticket
from gpu.batching.waiting import FairQueue
from gpu.engine import Checker, Engine, EngineBroken, NotReady, Order, PaintFailed, QueueFull
from gpu.places import place_of

__all__ = ["EngineThread", "Outcome", "Status"]

log = logging.getLogger("gpu")

Status = Literal["new", "loading", "ok", "broken", "stopped"]


class EngineThread:
    """Runs an engine. Everything public is for any thread; the engine is touched by its own thread only.

    For metrics: `batches` and `pictures` painted, `waiting` orders of `waiting_pictures`, `out_of_memory` (how often
    fewer had to be tried), `unchecked` batches. `reason` says in one line why the status is "broken".
    """

    def __init__(
        self,
        engine: Engine,
        *,
        checker: Checker | None = None,
        queue_limit: int = 64,
        batch_wait: float = 0.004,
        keeps: float = 0.0,
        on_broken: Callable[[], None] | None = None,
    ) -> None:
        """`queue_limit` counts waiting orders. `batch_wait` is the longest pause in seconds that an order waits for the
        next of those who were answered a moment ago (see `company.py`). `keeps` is how many seconds the machine is paid
        for after its last order. `on_broken` is called once, from the engine thread, when the engine breaks or does not
        load; it may be set until `start`."""
        self.engine = engine
        self.checker = checker
        self.on_broken = on_broken
        self.status: Status = "new"
        self.reason = ""
        self.batches = 0
        self.pictures = 0
        # The machine's life begins here, so that loading is in it.
        self.meter = Meter(tail=keeps)
        self._painter = Painter(engine)
        self._queue = FairQueue(queue_limit)
        self._company = Company(batch_wait)
        self._open: set[Ticket] = set()
        self._changed = threading.Condition()
        self._settled = threading.Event()
        self._pace = 0.1  # seconds per picture: a guess, then a running mean
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._checks: CheckThread | None = None
        if checker:
            self._checks = CheckThread(checker, self.meter, checked=self._answer, failed=self._check_failed)

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

    def close(self) -> None:
        """Take no more orders and fail those that wait; what is painted or checked right now comes to its end."""
        self._end("stopped")

    def stop(self, timeout: float = 0.5) -> None:
        """Close, wait so many seconds for what is in hand, and fail what has not come to its end by then.

        The threads are daemons: a batch that nobody waits for ends with the process.
        """
        self.close()
        until = time.monotonic() + timeout
        join(self._thread, timeout)
        if self._checks:
            self._checks.join(max(0.0, until - time.monotonic()))
        with self._changed:
            left = list(self._open)
        fail(left, NotReady(self.status))

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def waiting_pictures(self) -> int:
        return self._queue.pictures

    @property
    def out_of_memory(self) -> int:
        return self._painter.out_of_memory

    @property
    def unchecked(self) -> int:
        return self._checks.waiting if self._checks else 0

    def check_room(self, caller: str = "") -> None:
        """Raise NotReady or QueueFull as `submit` would, before work is spent on an order."""
        if self.status != "ok":
            raise NotReady(self.status)
        if not self._queue.has_room(caller):
            raise QueueFull(self._retry_after())

    def submit(self, order: Order) -> Future[Outcome]:
        """Queue an order. Cancelling its future takes it out of the queue; while it is painted, its result is dropped.

        The future raises PaintFailed, or NotReady when the engine broke or stopped meanwhile.
        """
        ticket = Ticket(order, time.monotonic())
        with self._changed:
            self.check_room(order.caller)
            self._queue.add(ticket)
            self._open.add(ticket)
            self._company.came(ticket.since)
            self._changed.notify()
        ticket.future.add_done_callback(lambda future: self._settle(ticket, future))
        return ticket.future

    def _settle(self, ticket: Ticket, future: Future[Outcome]) -> None:
        if future.cancelled():
            future.set_running_or_notify_cancel()  # wakes those who wait by concurrent.futures.wait
        with self._changed:
            self._open.discard(ticket)
            if self._queue.remove(ticket):
                self._changed.notify()

    def _retry_after(self) -> int:
        return min(60, max(1, math.ceil(self._queue.pictures * self._pace)))

    def _run(self) -> None:
        try:
            self._load()
            while self._paint_next():
                pass
        except (
            BaseException
        ) as error:  # EngineBroken, a fault of ours, a library that calls exit(): no thread, no service
            self._break(error)
        finally:
            if self._checks:
                self._checks.end()
            self._settled.set()
            if self.status == "broken":
                self._say_broken()

    def _load(self) -> None:
        began = time.monotonic()
        self._load_part(self.engine, "the model did not load (GPU_MODEL)")
        if self.checker and self._checks:
            self._load_part(self.checker, "the safety check did not load (GPU_SAFETY_MODEL, or GPU_SAFETY=off)")
            self._checks.start()
        with self._changed:
            if self.status == "loading":
                self.status = "ok"
        self._settled.set()
        log.info("engine ready model=%s seconds=%.1f", self.engine.model, time.monotonic() - began)

    @staticmethod
    def _load_part(part: Engine | Checker, otherwise: str) -> None:
        try:
            part.load()
        except Exception as error:
            said = _one_line(error)
            # Our own parts name the setting to change; a library does not know it.
            raise EngineBroken(said if "GPU_" in said else f"{otherwise}: {said}") from error

    def _paint_next(self) -> bool:
        """Paint one batch; False means stop. Holds no batch while it waits for the next."""
        batch = self._next_batch()
        if batch:
            self._paint(batch)
        return bool(batch)

    def _next_batch(self) -> list[Ticket]:
        """Wait for an order and its company; an empty list means stop."""
        with self._changed:
            while self._some_wait():
                began = time.monotonic()
                while self._queue and (rest := self._company.wait(time.monotonic(), began)) > 0:
                    if self.status != "ok" or self._queue.fills(self._painter.limit):
                        break
                    self._changed.wait(rest)
                if batch := self._queue.take(self._painter.limit):
                    return batch
        return []

    def _some_wait(self) -> bool:
        """Sleep until an order waits; False when there will be none any more."""
        self._changed.wait_for(lambda: self._queue or self.status != "ok")
        return self.status == "ok"

    def _paint(self, batch: list[Ticket]) -> None:
        """Paint a batch and pass it on; whatever is raised, those who wait for it are told."""
        use = Use()
        try:
            painted = self._painted(batch, use)
            if self._checks:
                self._checks.hand_over(painted)
            else:
                self._answer(painted, None, 0.0)
        except BaseException as error:
            log.error("batch failed orders=%d %s", len(batch), place_of(error))
            self.meter.give_back(use.seconds)
            fail(batch, PaintFailed("the engine failed"))
            if _is_fatal(error):
                raise

    def _painted(self, batch: list[Ticket], use: Use) -> Painted:
        began = time.monotonic()
        with self.meter.held(use):
            pieces = [piece for ticket in batch for piece in ticket.order.pieces]
            paintings = self._painter.paint(batch[0].order.key, pieces)
        seconds = time.monotonic() - began
        self._count(len(paintings), seconds)
        return Painted(shared_out(batch, paintings), len(paintings), seconds, use)

    def _count(self, pictures: int, seconds: float) -> None:
        self._pace += (0.2 if self.batches else 1.0) * (seconds / pictures - self._pace)
        self.batches += 1
        self.pictures += pictures

    def _answer(self, painted: Painted, verdicts: list[Verdicts] | None, checking: float) -> None:
        now = time.monotonic()
        with self._changed:
            for _ in painted.orders:
                self._company.went(now)
        answer(painted, verdicts, checking, self.meter)

    def _check_failed(self, painted: Painted, error: BaseException | None) -> None:
        """A painted batch that could not be checked is not shown to anybody."""
        self.meter.give_back(painted.use.seconds)
        tickets = painted.tickets
        if error is None:
            fail(tickets, NotReady(self.status))
            return
        log.error("check failed orders=%d %s", len(tickets), place_of(error))
        fail(tickets, PaintFailed("the safety check failed"))
        if self._checks and _is_fatal(error):
            self._break(error)
            self._checks.end(drop=True)

    def _break(self, error: BaseException) -> None:
        log.debug("engine broken", exc_info=error if self.status == "loading" else None)
        ours = isinstance(error, EngineBroken)
        self._end("broken", f"{error}" if ours else f"the engine thread failed: {place_of(error)}")

    def _end(self, status: Literal["broken", "stopped"], reason: str = "") -> None:
        """The first end counts: a broken service that is stopped was broken."""
        with self._changed:
            if self.status not in ("broken", "stopped"):
                self.status, self.reason = status, reason
            left = self._queue.clear()
            self._changed.notify_all()
        fail(left, NotReady(self.status))

    def _say_broken(self) -> None:
        log.error("engine broken: %s", self.reason)
        if self.on_broken:
            try:
                self.on_broken()
            except Exception:
                log.exception("who was to be told that the engine broke failed")


def _is_fatal(error: BaseException) -> bool:
    return isinstance(error, EngineBroken) or not isinstance(error, Exception)


def _one_line(error: BaseException) -> str:
    """What a library says, without the page around it."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "..."
