"""How many images one batch may have."""

from __future__ import annotations

from gpu.engine import BatchKey, EngineLimits

# No known card gains from more, and each caller of a batch waits for all of its images.
MAX_BATCH_SIZE = 64


def max_batch_size(limits: EngineLimits, key: BatchKey) -> int:
    """Return `limits.batch` for the model's own size, and more or fewer by area for smaller or larger images."""
    own_area = limits.width * limits.height
    return max(1, min(MAX_BATCH_SIZE, limits.batch * own_area // (key.width * key.height)))


class BatchSizes:
    """Batch sizes by the limits, lowered at those image sizes at which the device ran out of memory."""

    def __init__(self) -> None:
        self._lowered: dict[tuple[str, int, int, bool], int] = {}

    def limit(self, limits: EngineLimits, key: BatchKey) -> int:
        """Return the number of images of this key in one batch, at least 1."""
        return min(max_batch_size(limits, key), self._lowered.get(_memory_shape(key), MAX_BATCH_SIZE))

    def record_out_of_memory(self, key: BatchKey, images: int) -> None:
        """Halve the limit for this key: so many images were too many."""
        shape = _memory_shape(key)
        self._lowered[shape] = max(1, min(images // 2, self._lowered.get(shape, MAX_BATCH_SIZE)))


def _memory_shape(key: BatchKey) -> tuple[str, int, int, bool]:
    """Return what memory depends on. Guidance computes each image twice at once; steps run one after another."""
    return key.kind, key.width, key.height, key.guidance > 1
