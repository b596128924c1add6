"""Batch sizes, and what happens if images do not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.batching.batch_runner import BatchRunner
from gpu.batching.batch_size import MAX_BATCH_SIZE, BatchSizes, max_batch_size
from gpu.batching.usage_meter import UsageMeter
from gpu.engine import BatchKey, EngineLimits, Failure, GeneratedImage, ImageRequest, Kind, OutOfMemory

LIMITS = EngineLimits(width=512, height=512, batch=4)


def key(width: int, height: int | None = None, kind: Kind = "text", guidance: float = 0.0, steps: int = 4) -> Any:
    return BatchKey(kind, width, height or width, steps, guidance)


@pytest.mark.parametrize(
    ("width", "height", "pictures"),
    [
        (512, 512, 4),
        (256, 512, 8),
        (256, 256, 16),
        (512, 768, 2),
        (1024, 1024, 1),
        (1536, 1536, 1),
        (64, 64, MAX_BATCH_SIZE),
    ],
)
def test_batch_size_depends_on_the_area(width: int, height: int, pictures: Any) -> None:
    assert max_batch_size(LIMITS, key(width, height)) == pictures


@given(st.integers(64, 4096), st.integers(64, 4096), st.integers(1, 64))
def test_batch_size_is_at_least_one_and_within_the_limits(width: int, height: int, batch: int) -> None:
    fit = max_batch_size(EngineLimits(width=1024, height=768, batch=batch), key(width, height))
    assert 1 <= fit <= MAX_BATCH_SIZE
    assert fit == 1 or fit * width * height <= batch * 1024 * 768


def test_out_of_memory_halves_the_limit_of_that_size_only() -> None:
    sizes = BatchSizes()
    sizes.record_out_of_memory(key(512), 4)
    assert sizes.limit(LIMITS, key(512)) == 2
    assert sizes.limit(LIMITS, key(512, steps=20)) == 2, "memory does not depend on steps"
    assert sizes.limit(LIMITS, key(256)) == 16
    assert sizes.limit(LIMITS, key(512, kind="image")) == 4
    assert sizes.limit(LIMITS, key(512, guidance=7.0)) == 4


def test_a_lowered_limit_never_grows() -> None:
    sizes = BatchSizes()
    for pictures in (2, 4, 1):
        sizes.record_out_of_memory(key(512), pictures)
        assert sizes.limit(LIMITS, key(512)) == 1


class SmallGpu:
    """An engine with memory for so many images at once. `too_large` seeds never fit."""

    model = "small"
    limits = EngineLimits(width=64, height=64, batch=8)

    def __init__(self, memory: int, *too_large: int) -> None:
        self.calls: list[int] = []
        self._memory, self._too_large = memory, too_large

    def load(self) -> None:
        pass

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[GeneratedImage]:
        self.calls.append(len(images))
        if len(images) > self._memory or any(piece.seed in self._too_large for piece in images):
            raise OutOfMemory
        return [GeneratedImage(Image.new("RGB", (8, 8), (piece.seed, 0, 0))) for piece in images]


def seeds(results: Any) -> Any:
    return [one.reason if isinstance(one, Failure) else one.image.getpixel((0, 0))[0] for one in results]


def images(count: int) -> Any:
    return [ImageRequest("sea", seed) for seed in range(count)]


def test_images_that_do_not_fit_run_in_halves_and_none_is_lost() -> None:
    engine = SmallGpu(memory=2)
    runner = BatchRunner(engine, UsageMeter())
    assert seeds(runner.generate(key(64), images(7))) == list(range(7))
    assert engine.calls == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert runner.out_of_memory == 2


def test_the_lowered_limit_is_remembered() -> None:
    engine = SmallGpu(memory=4)
    runner = BatchRunner(engine, UsageMeter())
    runner.generate(key(64), images(8))
    engine.calls.clear()
    assert runner.limit(key(64)) == 4
    runner.generate(key(64), images(8))
    assert engine.calls == [4, 4]


def test_an_image_that_does_not_fit_alone_fails_alone() -> None:
    assert seeds(BatchRunner(SmallGpu(8, 2), UsageMeter()).generate(key(64), images(4))) == [0, 1, "memory", 3]


@given(st.integers(1, 8), st.integers(1, 20), st.sets(st.integers(0, 19)))
def test_results_come_in_order(memory: Any, count: int, too_large: Any) -> None:
    painted = seeds(BatchRunner(SmallGpu(memory, *too_large), UsageMeter()).generate(key(64), images(count)))
    assert painted == ["memory" if seed in too_large else seed for seed in range(count)]


def test_too_few_results_fail_every_image() -> None:
    engine = SmallGpu(8)
    engine.generate = lambda key, images: []  # type: ignore[method-assign]
    assert seeds(BatchRunner(engine, UsageMeter()).generate(key(64), images(3))) == ["failed"] * 3
