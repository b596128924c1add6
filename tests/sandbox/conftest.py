"""A new sandbox world for each test, behind one HTTP server."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox_world import Picture, SandboxWorld, StartWorld, WorldServer, png


@pytest.fixture(scope="session")
def server() -> Iterator[WorldServer]:
    server = WorldServer()
    while not server.server.started:
        time.sleep(0.01)
    yield server
    server.server.should_exit = True
    server.thread.join(5)


@pytest.fixture
def start_world(server: WorldServer) -> Iterator[StartWorld]:
    """Start a world with other settings. The server serves the world started last."""
    worlds: list[SandboxWorld] = []

    def start(**settings: Any) -> SandboxWorld:
        worlds.append(SandboxWorld(server, **settings))
        return worlds[-1]

    yield start
    for world in worlds:
        world.http.close()
        world.state.store.close()


@pytest.fixture
def world(start_world: StartWorld) -> SandboxWorld:
    return start_world()


@pytest.fixture
def picture() -> Picture:
    return Picture(png(3, 2), width=3, height=2)


@pytest.fixture
def material() -> Callable[[str], Path]:
    """Return folders of test data; skip the test if they are missing."""

    def folder(name: str) -> Path:
        path = Path(os.environ.get("TEST_MATERIAL", "../shared/data")) / name
        if not path.exists():
            pytest.skip(f"no test material at {path}")
        return path

    return folder
