"""Which width and height a wanted shape becomes. Pure numbers: knows the limits of an engine, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from gpu.engine import Limits

# Longer ones come out of these models as two pictures side by side.
MAX_RATIO = 3


def size_of(ratio: float, limits: Limits) -> tuple[int, int] | None:
    """Width and height in pixels whose quotient is about `ratio`, with about as many pixels as the model's own size and
    sides it can paint; None if there are none."""
    return min(_sizes(ratio, limits), key=lambda size: _strain(size, ratio, limits), default=None)


def _sizes(ratio: float, limits: Limits) -> Iterator[tuple[int, int]]:
    """For each width that the engine takes, the height that is nearest to the shape."""
    step = limits.multiple
    for width in range(-(-limits.min_side // step) * step, limits.max_side + 1, step):
        height = round(width / ratio / step) * step
        if limits.min_side <= height <= limits.max_side:
            yield width, height


def _strain(size: tuple[int, int], ratio: float, limits: Limits) -> float:
    """How far a size is from what was meant. Of its shape people see a percent, of its area hardly three."""
    width, height = size
    return 3 * abs(log(width / height / ratio)) + abs(log(width * height / (limits.width * limits.height)))
