"""Run the safety check in a thread of its own, while the engine thread generates the next batch.

Every submitted batch comes back once: with safety results, or with the reason why there are none. An image whose check
raises is withheld; the others of its batch are checked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from PIL.Image import Image

from gpu.batching.batch_result import BatchResult, SafetyResults
from gpu.batching.usage_meter import UsageMeter
from gpu.engine import UNCHECKED, EngineBroken, Failure, GeneratedImage, Result, SafetyChecker, SafetyResult
from gpu.log_utils import safe_traceback

log = logging.getLogger("gpu")

# Beside the one in work. More would only hold images in memory, since the check is then the slower half.
MAX_WAITING_BATCHES = 2

OnChecked = Callable[[BatchResult, list[SafetyResults], float], None]
OnFailed = Callable[[BatchResult, BaseException | None], None]


class WrongCount(Exception):
    """The checker returned more or fewer results than images, so none can be assigned."""


class SafetyThread:
    """Calls `on_checked(batch, results per request, seconds)` or `on_failed(batch, error)` from its own thread.

    `error` is what the checker raised, or None if the batch came after the end.
    """

    def __init__(
        self, checker: SafetyChecker, meter: UsageMeter, *, on_checked: OnChecked, on_failed: OnFailed
    ) -> None:
        self._checker, self._meter = checker, meter
        self._on_checked, self._on_failed = on_checked, on_failed
        self._batches: deque[BatchResult] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="safety", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, batch: BatchResult) -> None:
        """Queue a batch. Blocks while too many wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or len(self._batches) < MAX_WAITING_BATCHES)
            if not self._ending:
                self._batches.append(batch)
                self._changed.notify_all()
                return
        self._on_failed(batch, None)

    @property
    def waiting(self) -> int:
        return len(self._batches)

    def end(self, *, drop: bool = False) -> None:
        """Accept no more batches. Check those that wait, or drop them."""
        with self._changed:
            self._ending = True
            dropped = list(self._batches) if drop else []
            if drop:
                self._batches.clear()
            self._changed.notify_all()
        for batch in dropped:
            self._on_failed(batch, None)

    def join(self, timeout: float) -> None:
        join_thread(self._thread, timeout)

    def _run(self) -> None:
        while self._check_next():
            pass

    def _check_next(self) -> bool:
        """Check one batch. Return False at the end. It references no batch while it waits for the next."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._batches)
            if not self._batches:
                return False
            batch = self._batches.popleft()
            self._changed.notify_all()
        try:
            results, seconds = self._check(batch)
            self._on_checked(batch, results, seconds)
        except BaseException as error:  # callers wait for an answer
            self._on_failed(batch, error)
        return True

    def _check(self, batch: BatchResult) -> tuple[list[SafetyResults], float]:
        """Check the images of all requests whose callers still wait, in one call. Drop the other requests."""
        batch.requests = [(pending, results) for pending, results in batch.requests if pending.is_waiting]
        images = [
            result.image for _, results in batch.requests for result in results if isinstance(result, GeneratedImage)
        ]
        started = time.monotonic()
        with self._meter.measure(batch.device_time):
            checked = iter(self._check_or_split(images))
        per_request = [_assign(results, checked) for _, results in batch.requests]
        return per_request, time.monotonic() - started

    def _check_or_split(self, images: Sequence[Image]) -> SafetyResults:
        """Return one result per image, None if its check raises even alone. Raises EngineBroken, WrongCount."""
        if not images:
            return []
        try:
            return self._call(images)
        except (EngineBroken, WrongCount):
            raise
        except Exception as error:
            log.error("safety check failed images=%d %s", len(images), safe_traceback(error))
            if len(images) == 1:
                return [None]
        half = len(images) // 2
        return [*self._check_or_split(images[:half]), *self._check_or_split(images[half:])]

    def _call(self, images: Sequence[Image]) -> SafetyResults:
        results = self._checker.check(images)
        if len(results) != len(images):
            raise WrongCount(f"the safety check returned {len(results)} results for {len(images)} images")
        return [*results]


def _assign(results: list[Result], checked: Iterator[SafetyResult | None]) -> SafetyResults:
    """Take one safety result per image of a request. An image without one becomes a failure."""
    assigned: SafetyResults = []
    for index, result in enumerate(results):
        safety = next(checked) if isinstance(result, GeneratedImage) else None
        if safety is None and isinstance(result, GeneratedImage):
            results[index] = Failure(UNCHECKED)
        assigned.append(safety)
    return assigned


def join_thread(thread: threading.Thread, timeout: float) -> None:
    """Wait for the end of a thread that may not have started, or may be the current one."""
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join(timeout)
