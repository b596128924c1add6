"""An engine without cost, to measure all that the service does beside generating."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from gpu.engine import BatchKey, EngineLimits, GeneratedImage, ImageRequest
from gpu.sketch.picture import sketch

# With this much grain a sketch takes as many bytes as a photograph: 190 kB for 512 x 512 at quality 95.
_GRAIN = 6


class InstantEngine:
    """Returns a picture that it has made before."""

    model = "instant"
    limits = EngineLimits(batch=16)

    def load(self) -> None:
        """Make the picture of the default size."""
        photograph(self.limits.width, self.limits.height)

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[GeneratedImage]:
        """Return the same picture for each request."""
        return [GeneratedImage(photograph(key.width, key.height)) for _ in images]


@lru_cache
def photograph(width: int, height: int) -> Image.Image:
    """Return a picture with the details of a photograph."""
    drawn = np.asarray(sketch("a lighthouse at night, waves below", 1, width, height), np.int16)
    grain = np.random.default_rng(1).integers(-_GRAIN, _GRAIN + 1, drawn.shape, np.int16)
    return Image.fromarray(np.clip(drawn + grain, 0, 255).astype(np.uint8))
