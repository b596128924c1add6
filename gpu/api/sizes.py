"""Choose width and height for an aspect ratio."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from gpu.engine import EngineLimits

# Beyond it these models draw two pictures side by side.
MAX_RATIO = 3


def closest_size(ratio: float, limits: EngineLimits) -> tuple[int, int] | None:
    """Return a supported width and height in pixels with a quotient of about `ratio`, None if there is none.

    It has about as many pixels as the model's own size.
    """
    return min(_sizes(ratio, limits), key=lambda size: _deviation(size, ratio, limits), default=None)


def _sizes(ratio: float, limits: EngineLimits) -> Iterator[tuple[int, int]]:
    """Yield each supported width with the height closest to the ratio."""
    step = limits.multiple
    for width in range(-(-limits.min_side // step) * step, limits.max_side + 1, step):
        height = round(width / ratio / step) * step
        if limits.min_side <= height <= limits.max_side:
            yield width, height


def _deviation(size: tuple[int, int], ratio: float, limits: EngineLimits) -> float:
    """Return how far a size is from the request. Viewers notice 1 % of the ratio, and hardly 3 % of the area."""
    width, height = size
    return 3 * abs(log(width / height / ratio)) + abs(log(width * height / (limits.width * limits.height)))
