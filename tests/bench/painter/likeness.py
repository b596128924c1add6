"""Whether a picture is the one that was asked for: compared with its prompt and seed painted alone.

Pixels may differ by rounding (a batch adds up in another order); another prompt or seed differs by far more. Knows the
service's answers and Pillow.
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

from tests.bench.painter.callers import Caller

# What rounding may move a value of 0 to 255 (float32 on a CPU: at most one step has been seen).
TOLERANCE = 2
Pixels = NDArray[np.int16]


@dataclass(frozen=True)
class Verdict:
    """`own`: the largest difference of any value to the same picture painted alone, of 255."""

    own: int
    right: bool


class Gallery:
    """Pictures painted alone, by what was asked."""

    def __init__(self, pictures: Mapping[str, tuple[Pixels, ...]]) -> None:
        self._pictures = pictures

    @classmethod
    async def painted_alone(cls, url: str, asks: Iterable[dict[str, Any]], *, token: str = "") -> Gallery:
        """Ask for each by one caller, one after the other. Raises ValueError if one was not painted, or not alone."""
        caller = Caller(url, token=token)
        pictures: dict[str, tuple[Pixels, ...]] = {}
        for asked in asks:
            answer = await caller.ask(asked)
            if answer.status != 200 or answer.json()["batch_size"] != len(asked["seeds"]):
                raise ValueError(f"not painted alone: status {answer.status}")
            pictures[_name(asked)] = pictures_of(answer.json())
        caller.close()
        return cls(pictures)

    def judge(self, asked: object, answer: dict[str, Any]) -> Verdict:
        """Raises KeyError for something that was never painted alone."""
        alone, got = self._pictures[_name(asked)], pictures_of(answer)
        if [picture.shape for picture in alone] != [picture.shape for picture in got]:
            return Verdict(255, right=False)
        own = max(difference(a, b) for a, b in zip(alone, got, strict=True))
        return Verdict(own, own <= TOLERANCE)

    def nearest_pair(self) -> int:
        """The smallest difference between any two pictures of one shape: over the tolerance, or the comparison says
        nothing."""
        every = [picture for pictures in self._pictures.values() for picture in pictures]
        return min((difference(a, b) for a, b in combinations(every, 2) if a.shape == b.shape), default=255)


def pictures_of(answer: dict[str, Any]) -> tuple[Pixels, ...]:
    """The pictures of an answer as (height, width, 3) values of 0 to 255."""
    return tuple(_pixels(base64.b64decode(picture["image"])) for picture in answer["pictures"])


def difference(one: Pixels, other: Pixels) -> int:
    """The largest difference of any value of two pictures of one shape."""
    return int(np.abs(one - other).max())


def _pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def _name(asked: object) -> str:
    return json.dumps(asked, sort_keys=True)
