"""A worker's surroundings: storage, the real painter, settings with short pauses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.line import Line
from core.pace import Pace
from core.queue import WorkQueue
from core.settings import MoneySettings, PaceSettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.painter import sketch_service


@pytest.fixture(scope="session")
def painter() -> Iterator[str]:
    """Address of the real GPU service with the sketch engine; its token is `secret`."""
    with sketch_service() as url:
        yield url


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


@pytest.fixture
def line(engine: Engine, queue: WorkQueue) -> Line:
    return Line(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings))


@pytest.fixture
def settings() -> WorkSettings:
    return load(WorkSettings, lease_seconds=2, x_timeout_seconds=0.5, retry_seconds=5, settle_seconds=0)
