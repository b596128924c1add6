"""Fixtures: a toy engine, engine threads, and clients of the service around an engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gpu.api.service import create_app
from gpu.batching.engine_thread import EngineThread
from tests.support.toy_engine import Serve, StartThread, ToyChecker, ToyEngine


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
def start_thread() -> Iterator[StartThread]:
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
def serve() -> Iterator[Serve]:
    """Start a client of the service around an engine, ready unless the engine is still loading."""
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
