"""A toy engine that tests can hold, crash and break, and clients for the service around it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from gpu.batching.engine_thread import EngineThread
from gpu.engine import EngineBroken, Key, Limits, Painting, Piece, Truncated, Verdict
from gpu.web.service import create_app

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


class ToyEngine:
    """Paints one flat colour per seed, and reads three words of a prompt. The verbs of a test: hold, let_go, and the
    prompts "crash" and "break"."""

    model = "toy"

    def __init__(self, *, batch: int = 4, loads: bool = True) -> None:
        self.limits = Limits(batch=batch)
        self.batches: list[list[str]] = []
        self.keys: list[Key] = []
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

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting]:
        self.batches.append([piece.prompt for piece in pieces])
        self.keys.append(key)
        self.painting.set()
        assert self.go.wait(10)
        if any(piece.prompt == "break" for piece in pieces):
            raise EngineBroken("the card fell off")
        if any(piece.prompt == "crash" for piece in pieces):
            raise ValueError("cannot paint this")
        return [self._painting(key, piece) for piece in pieces]

    def _painting(self, key: Key, piece: Piece) -> Painting:
        if piece.start is not None:
            return Painting(piece.start)
        colour = (len(piece.prompt) % 256, piece.seed % 256, 90)
        read = Truncated(3, len(piece.prompt.split())) if len(piece.prompt.split()) > 3 else None
        return Painting(Image.new("RGB", (key.width, key.height), colour), read)


class ToyChecker:
    """Flags pictures whose first pixel is redder than 200: the toy paints so for prompts of that many letters. Its
    vectors are the first pixel's colour."""

    def load(self) -> None:
        pass

    def check(self, images: Sequence[Image.Image]) -> list[Verdict]:
        return [self._verdict(np.array(image.getpixel((0, 0)), np.float32)) for image in images]

    def _verdict(self, pixel: NDArray[np.float32]) -> Verdict:
        red = float(pixel[0])
        return Verdict(red > 200, {"red": red / 255}, pixel / np.linalg.norm(pixel))


@pytest.fixture
def toy() -> Iterator[ToyEngine]:
    engine = ToyEngine()
    yield engine
    engine.loaded.set()
    engine.let_go()


@pytest.fixture
def toy_checker() -> ToyChecker:
    return ToyChecker()


@pytest.fixture
def make_toy() -> type[ToyEngine]:
    return ToyEngine


@pytest.fixture
def start_thread() -> Iterator[Callable[..., EngineThread]]:
    """Start an engine thread that is ready, and stop it after the test."""
    started: list[EngineThread] = []

    def start(engine: ToyEngine, **given: float) -> EngineThread:
        thread = EngineThread(engine, **given)  # type: ignore[arg-type]
        started.append(thread)
        thread.start()
        thread.wait_settled(10)
        return thread

    yield start
    for thread in started:
        thread.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """A client of the service around an engine, ready unless the engine is still loading."""
    clients: list[TestClient] = []

    def start(engine: object, *, token: str | None = None, **given: object) -> TestClient:
        app: FastAPI = create_app(engine, token=token, **given)  # type: ignore[arg-type]
        client = TestClient(app)
        client.__enter__()
        clients.append(client)
        if not isinstance(engine, ToyEngine) or engine.loaded.is_set():
            app.state.engine_thread.wait_settled(60)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def material() -> Path:
    """Test pictures nobody of this project made; absent on most machines."""
    folder = Path(os.environ.get("TEST_MATERIAL", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip("no test material: set TEST_MATERIAL")
    return folder
