"""An engine and a safety check that tests can hold, crash and break."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from gpu.batching.engine_thread import EngineThread
from gpu.engine import BatchKey, EngineBroken, EngineLimits, GeneratedImage, ImageRequest, SafetyResult, Truncation

# Fixtures: start an engine thread, or a client of the service, around an engine.
StartThread = Callable[..., EngineThread]
Serve = Callable[..., TestClient]


class ToyEngine:
    """Returns one flat color per seed, and reads three words of a prompt.

    Tests use `hold` and `let_go`, and the prompts "crash" and "break".
    """

    model = "toy"

    def __init__(self, *, batch: int = 4, loads: bool = True) -> None:
        self.limits = EngineLimits(batch=batch)
        self.batches: list[list[str]] = []
        self.keys: list[BatchKey] = []
        self.painting = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.loaded = threading.Event()
        self.loaded.set()
        self._loads = loads

    def hold(self) -> None:
        self.painting.clear()
        self.go.clear()

    def let_go(self) -> None:
        self.go.set()

    def load(self) -> None:
        assert self.loaded.wait(10)
        if not self._loads:
            raise OSError("no weights here")

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[GeneratedImage]:
        self.batches.append([piece.prompt for piece in images])
        self.keys.append(key)
        self.painting.set()
        assert self.go.wait(10)
        if any(piece.prompt == "break" for piece in images):
            raise EngineBroken("the card fell off")
        if any(piece.prompt == "crash" for piece in images):
            raise ValueError("cannot paint this")
        return [self._painting(key, piece) for piece in images]

    def _painting(self, key: BatchKey, piece: ImageRequest) -> GeneratedImage:
        if piece.init_image is not None:
            return GeneratedImage(piece.init_image)
        color = (len(piece.prompt) % 256, piece.seed % 256, 90)
        read = Truncation(3, len(piece.prompt.split())) if len(piece.prompt.split()) > 3 else None
        return GeneratedImage(Image.new("RGB", (key.width, key.height), color), read)


class ToyChecker:
    """Flags images whose first pixel has a red above 200, as for prompts of so many letters.

    Its embeddings are the first pixel's color.
    """

    def load(self) -> None:
        pass

    def check(self, images: Sequence[Image.Image]) -> list[SafetyResult]:
        return [self._verdict(np.array(image.getpixel((0, 0)), np.float32)) for image in images]

    def _verdict(self, pixel: NDArray[np.float32]) -> SafetyResult:
        red = float(pixel[0])
        return SafetyResult(red > 200, {"red": red / 255}, pixel / np.linalg.norm(pixel))
