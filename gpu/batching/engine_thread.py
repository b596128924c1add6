"""The engine thread: one thread owns the engine, and takes batches from a bounded queue.

submit -> RequestQueue (a gathering window of a few ms) -> BatchRunner -> SafetyThread -> future
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal, TypedDict

from gpu.batching.batch_result import BatchResult, SafetyResults, deliver, fail_all
from gpu.batching.batch_runner import BatchRunner
from gpu.batching.pending_request import Outcome, PendingRequest
from gpu.batching.queue import RequestQueue
from gpu.batching.safety_thread import SafetyThread, join_thread
from gpu.batching.usage_meter import DeviceTime, UsageMeter
from gpu.engine import (
    Engine,
    EngineBroken,
    GenerationFailed,
    GenerationRequest,
    NotReady,
    QueueFull,
    SafetyChecker,
    TextEncoder,
)
from gpu.log_utils import safe_traceback

__all__ = ["EngineOptions", "EngineThread", "Outcome", "Status"]

log = logging.getLogger("gpu")

Status = Literal["new", "loading", "ok", "broken", "stopped"]

MAX_RETRY_AFTER_SECONDS = 60


class EngineOptions(TypedDict, total=False):
    """The options of `EngineThread` that an app passes on."""

    checker: SafetyChecker | None
    text_encoder: TextEncoder | None
    queue_limit: int
    batch_wait: float
    scaledown_seconds: float


class EngineThread:
    """Runs an engine. Any thread may use what is public; only this thread touches the engine.

    `reason` says in one line why the status is "broken". `runner` counts batches, `meter` the device time.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        checker: SafetyChecker | None = None,
        text_encoder: TextEncoder | None = None,
        queue_limit: int = 64,
        batch_wait: float = 0.004,
        scaledown_seconds: float = 0.0,
        on_broken: Callable[[], None] | None = None,
    ) -> None:
        """Start with `start`.

        Args:
            queue_limit: requests that may wait.
            batch_wait: seconds to wait for the next request before a batch starts, see `queue.py`.
            scaledown_seconds: how long the machine is paid for after its last request.
            on_broken: called once, from this thread, if the engine breaks or does not load. May be set until `start`.
        """
        self.engine = engine
        self.checker = checker
        self.text_encoder = text_encoder
        self.on_broken = on_broken
        self.queue_limit = queue_limit
        self.status: Status = "new"
        self.reason = ""
        # Created here, so that the machine's life includes loading.
        self.meter = UsageMeter(tail=scaledown_seconds)
        self.runner = BatchRunner(engine, self.meter)
        self._queue = RequestQueue(queue_limit, batch_wait)
        self._unsettled: set[PendingRequest] = set()
        self._changed = threading.Condition()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._safety: SafetyThread | None = None
        if checker:
            self._safety = SafetyThread(checker, self.meter, on_checked=self._deliver, on_failed=self._fail_unchecked)

    def start(self) -> None:
        """Start to load the engine. A second call does nothing."""
        with self._changed:
            if self.status != "new":
                return
            self.status = "loading"
        self._thread.start()

    def wait_settled(self, timeout: float | None = None) -> Status:
        """Wait until the engine has loaded or failed to, and return the status."""
        self._settled.wait(timeout)
        return self.status

    def close(self) -> None:
        """Accept no more requests and fail those that wait. Batches in work come to their end."""
        self._end("stopped")

    def stop(self, timeout: float = 0.5) -> None:
        """Close, wait `timeout` seconds for batches in work, and fail what is left.

        The threads are daemons: a batch without callers ends with the process.
        """
        self.close()
        deadline = time.monotonic() + timeout
        join_thread(self._thread, timeout)
        if self._safety:
            self._safety.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            left = list(self._unsettled)
        fail_all(left, NotReady(self.status))

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def waiting_images(self) -> int:
        """Images of the requests in the queue."""
        return self._queue.image_count

    @property
    def unchecked(self) -> int:
        """Generated batches that wait for the safety check."""
        return self._safety.waiting if self._safety else 0

    def ensure_capacity(self) -> None:
        """Raise NotReady or QueueFull as `submit` would, before the caller spends work on a request."""
        if self.status != "ok":
            raise NotReady(self.status)
        if self._queue.is_full:
            seconds = math.ceil(self._queue.image_count * self.runner.seconds_per_image)
            raise QueueFull(min(MAX_RETRY_AFTER_SECONDS, max(1, seconds)))

    def submit(self, request: GenerationRequest) -> Future[Outcome]:
        """Queue a request. Raises NotReady or QueueFull.

        Cancelling the future takes the request out of the queue; if it is in work, its result is dropped. The future
        raises GenerationFailed, or NotReady if the engine broke or stopped meanwhile.
        """
        pending = PendingRequest(request, time.monotonic())
        with self._changed:
            self.ensure_capacity()
            self._queue.add(pending)
            self._unsettled.add(pending)
            self._changed.notify()
        pending.future.add_done_callback(lambda future: self._forget(pending, future))
        return pending.future

    def _forget(self, pending: PendingRequest, future: Future[Outcome]) -> None:
        """Drop a settled request."""
        if future.cancelled():
            future.set_running_or_notify_cancel()  # wakes threads in concurrent.futures.wait
        with self._changed:
            self._unsettled.discard(pending)
            if self._queue.remove(pending):
                self._changed.notify()

    def _run(self) -> None:
        try:
            self._load()
            while batch := self._next_batch():
                self._process(batch)
                del batch  # its images need no memory while the thread waits for the next
        except BaseException as error:  # EngineBroken, a bug, a library that calls exit(): the service is over
            self._break(error)
        finally:
            if self._safety:
                self._safety.end()
            self._settled.set()
            if self.status == "broken":
                self._report_broken()

    def _load(self) -> None:
        started = time.monotonic()
        _load_part(self.engine, "the model did not load (GPU_MODEL)")
        if self.checker and self._safety:
            _load_part(self.checker, "the safety check did not load (GPU_SAFETY_MODEL, or GPU_SAFETY=off)")
            self._safety.start()
        if self.text_encoder:
            self.text_encoder.load()
        with self._changed:
            if self.status == "loading":
                self.status = "ok"
        self._settled.set()
        log.info("engine ready model=%s seconds=%.1f", self.engine.model, time.monotonic() - started)

    def _next_batch(self) -> list[PendingRequest]:
        """Wait for a request and its gathering window. Return [] if the engine stops."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._queue or self.status != "ok")
                if self.status != "ok":
                    return []
                self._gather()
                if batch := self._queue.take_batch(self.runner.limit):
                    return batch

    def _gather(self) -> None:
        """Wait for more requests for the batch, as long as the queue says."""
        started = time.monotonic()
        while self.status == "ok":
            seconds = self._queue.gather_time(time.monotonic(), started, self.runner.limit)
            if seconds <= 0:
                return
            self._changed.wait(seconds)

    def _process(self, batch: list[PendingRequest]) -> None:
        """Generate a batch and pass it on. Whatever raises, its callers get an answer."""
        device_time = DeviceTime()
        try:
            result = self.runner.run(batch, device_time)
            if self._safety:
                self._safety.submit(result)
            else:
                self._deliver(result, None, 0.0)
        except BaseException as error:
            log.error("batch failed requests=%d %s", len(batch), safe_traceback(error))
            self.meter.refund(device_time.seconds)
            if _is_fatal(error):
                self._break(error)  # first, so that the status is right when the callers hear of it
            fail_all(batch, GenerationFailed("the engine failed"))
            if _is_fatal(error):
                raise

    def _deliver(self, batch: BatchResult, safety_results: list[SafetyResults] | None, checking_seconds: float) -> None:
        with self._changed:
            self._queue.record_answers(len(batch.requests), time.monotonic())
        deliver(batch, safety_results, checking_seconds, self.meter)

    def _fail_unchecked(self, batch: BatchResult, error: BaseException | None) -> None:
        """Fail a batch that could not be checked: no caller gets its images."""
        self.meter.refund(batch.device_time.seconds)
        if error is None:
            fail_all(batch.pending, NotReady(self.status))
            return
        log.error("safety check failed requests=%d %s", len(batch.pending), safe_traceback(error))
        fail_all(batch.pending, GenerationFailed("the safety check failed"))
        if self._safety and _is_fatal(error):
            self._break(error)
            self._safety.end(drop=True)

    def _break(self, error: BaseException) -> None:
        log.debug("engine broken", exc_info=error if self.status == "loading" else None)
        is_explained = isinstance(error, EngineBroken)
        self._end("broken", str(error) if is_explained else f"the engine thread failed: {safe_traceback(error)}")

    def _end(self, status: Literal["broken", "stopped"], reason: str = "") -> None:
        """Fail the waiting requests. The first end decides the status: a broken service stays broken when stopped."""
        with self._changed:
            if self.status not in ("broken", "stopped"):
                self.status, self.reason = status, reason
            left = self._queue.clear()
            self._changed.notify_all()
        fail_all(left, NotReady(self.status))

    def _report_broken(self) -> None:
        log.error("engine broken: %s", self.reason)
        if self.on_broken:
            try:
                self.on_broken()
            except Exception:
                log.exception("on_broken failed")


def _load_part(part: Engine | SafetyChecker, hint: str) -> None:
    try:
        part.load()
    except Exception as error:
        message = _one_line(error)
        # Our own parts name the setting to change; a library cannot.
        raise EngineBroken(message if "GPU_" in message else f"{hint}: {message}") from error


def _is_fatal(error: BaseException) -> bool:
    return isinstance(error, EngineBroken) or not isinstance(error, Exception)


def _one_line(error: BaseException) -> str:
    """Return the start of a library's message, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "..."
