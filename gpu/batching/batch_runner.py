"""Generate a batch in calls that fit the device's memory. An image that fails, fails alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from gpu.batching.batch_result import BatchResult, split_by_request
from gpu.batching.batch_size import BatchSizes
from gpu.batching.pending_request import PendingRequest
from gpu.batching.usage_meter import DeviceTime, UsageMeter
from gpu.engine import FAILED, MEMORY, BatchKey, Engine, EngineBroken, Failure, ImageRequest, OutOfMemory, Result
from gpu.log_utils import safe_traceback

log = logging.getLogger("gpu")


class BatchRunner:
    """Only the engine thread calls it; any thread may read the counters.

    `batches` and `images` were generated, `out_of_memory` is how often it had to try fewer images, and
    `seconds_per_image` is a running mean.
    """

    def __init__(self, engine: Engine, meter: UsageMeter) -> None:
        self.batches = 0
        self.images = 0
        self.out_of_memory = 0
        self.seconds_per_image = 0.1  # a guess, until the first batch
        self._engine = engine
        self._meter = meter
        self._sizes = BatchSizes()

    def limit(self, key: BatchKey) -> int:
        """Return the number of images of this key in one call."""
        return self._sizes.limit(self._engine.limits, key)

    def run(self, batch: list[PendingRequest], device_time: DeviceTime) -> BatchResult:
        """Generate all images of a batch and add to its device time. Raises EngineBroken."""
        started = time.monotonic()
        with self._meter.measure(device_time):
            images = [image for pending in batch for image in pending.request.images]
            results = self.generate(batch[0].request.key, images)
        seconds = time.monotonic() - started
        self._count(len(results), seconds)
        return BatchResult(split_by_request(batch, results), len(results), seconds, device_time)

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[Result]:
        """Return one result per request, in their order. Raises EngineBroken."""
        done: list[Result] = []
        while len(done) < len(images):
            done += self._try(key, images[len(done) : len(done) + self.limit(key)])
        return done

    def _try(self, key: BatchKey, images: Sequence[ImageRequest]) -> Sequence[Result]:
        """Return their results, or [] if the caller must try fewer at once."""
        try:
            return self._call(key, images)
        except OutOfMemory:
            self.out_of_memory += 1
            self._sizes.record_out_of_memory(key, len(images))
            log.warning("out of memory images=%d width=%d height=%d", len(images), key.width, key.height)
            return [Failure(MEMORY)] if len(images) == 1 else []
        except EngineBroken:
            raise
        except Exception as error:
            log.error("generation failed images=%d %s", len(images), safe_traceback(error))
            if len(images) == 1:
                return [Failure(FAILED)]
        half = len(images) // 2
        return [*self.generate(key, images[:half]), *self.generate(key, images[half:])]

    def _call(self, key: BatchKey, images: Sequence[ImageRequest]) -> Sequence[Result]:
        results = self._engine.generate(key, images)
        if len(results) != len(images):
            raise RuntimeError(f"the engine returned {len(results)} results for {len(images)} images")
        return results

    def _count(self, images: int, seconds: float) -> None:
        weight = 0.2 if self.batches else 1.0
        self.seconds_per_image += weight * (seconds / images - self.seconds_per_image)
        self.batches += 1
        self.images += images
