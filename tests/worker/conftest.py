"""Fixtures of the worker: a storage, the real GPU service, settings with short pauses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.queue import WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, RateLimitSettings, load
from core.storage import FolderStorage
from core.x.rate_limit import XRateLimiter
from tests.support.gpu_service import sketch_service
from worker.gpu import http


@pytest.fixture(scope="session")
def gpu_url() -> Iterator[str]:
    """Yield the address of the real GPU service, with the sketch engine and small pictures. Its token is `secret`."""
    with sketch_service(small=True) as url:
        yield url


@pytest.fixture(autouse=True)
def short_retry_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat calls to an unreachable GPU service almost at once."""
    monkeypatch.setattr(http, "RETRY_SECONDS", 0.01)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


@pytest.fixture
def dispatcher(engine: Engine, queue: WorkQueue) -> Dispatcher:
    return Dispatcher(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings))


@pytest.fixture
def settings() -> JobSettings:
    return load(JobSettings, lease_seconds=8, x_timeout_seconds=2, retry_seconds=5, reply_lookup_delay_seconds=0)
