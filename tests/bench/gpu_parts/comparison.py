"""Check that a picture is the requested one: compare it with the same request generated alone.

Pixels may differ by rounding, because a batch adds up in another order. Another prompt or seed differs by far more.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.bench.gpu_parts.callers import Caller

# Maximum difference by rounding, 0 to 255. On a CPU with float32 the largest seen is 1.
TOLERANCE = 2
Pixels = NDArray[np.int16]


@dataclass(frozen=True)
class Comparison:
    """A comparison. `own`: the largest difference of any value to the reference picture, of 255."""

    own: int
    right: bool


class ReferencePictures:
    """Reference pictures by request, each generated alone."""

    def __init__(self, pictures: Mapping[str, tuple[Pixels, ...]]) -> None:
        self._pictures = pictures

    @classmethod
    async def generate(cls, url: str, requests: Iterable[dict[str, Any]], *, token: str = "") -> ReferencePictures:
        """Generate each alone, one after the other. Raises ValueError if one failed or was batched with others."""
        caller = Caller(url, token=token)
        pictures: dict[str, tuple[Pixels, ...]] = {}
        for request in requests:
            response = await caller.send(request)
            if response.status != 200 or response.json()["batch_size"] != len(request["seeds"]):
                raise ValueError(f"not generated alone: status {response.status}")
            pictures[_name(request)] = pictures_of(response.json())
        caller.close()
        return cls(pictures)

    def compare(self, request: object, response: dict[str, Any]) -> Comparison:
        """Compare a response with its references. Raises KeyError for an unknown request."""
        alone, got = self._pictures[_name(request)], pictures_of(response)
        if [picture.shape for picture in alone] != [picture.shape for picture in got]:
            return Comparison(255, right=False)
        own = max(difference(a, b) for a, b in zip(alone, got, strict=True))
        return Comparison(own, own <= TOLERANCE)

    def nearest_pair(self) -> int:
        """Return the smallest difference between two pictures of one shape. It must exceed the tolerance."""
        every = [picture for pictures in self._pictures.values() for picture in pictures]
        return min((difference(a, b) for a, b in combinations(every, 2) if a.shape == b.shape), default=255)


def pictures_of(response: dict[str, Any]) -> tuple[Pixels, ...]:
    """Return the pictures of a response as (height, width, 3) values of 0 to 255."""
    return tuple(_pixels(base64.b64decode(picture["image"])) for picture in response["pictures"])


def difference(one: Pixels, other: Pixels) -> int:
    """Return the largest difference of any value of two pictures of one shape."""
    return int(np.abs(one - other).max())


def _pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def _name(request: object) -> str:
    return json.dumps(request, sort_keys=True)
