"""What tests of several packages share: databases, a queue server, a sandbox X."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from core.database import open_database
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, STORAGE, outages
from core.queue import WorkQueue, open_queue
from tests.support.postgres import find_binaries, running_postgres
from tests.support.sandbox_x import SandboxX, sandbox_x
from tests.support.servers import process, wait_until

# Settings of the machine or of a `.env` must not reach the tests nor their children (`tests/support/children.py`):
# they may be those of a live instance.
OURS = re.compile(r"(DATA_DIR|PORT|DATABASE_|REDIS_|STORAGE_|GPU_|X_|BUDGET_|GALLERY_|SANDBOX_|DEPLOY_|POLL_)")
for name in [name for name in os.environ if OURS.match(name) or name in {"WORKERS", "PRICES", "TELL_ON_X"}]:
    del os.environ[name]
os.environ["ENV_FILE"] = ""


@pytest.fixture(autouse=True)
def no_outage() -> None:
    """No outage that an earlier test saw goes on: while it does, some lines are not written."""
    for subject in (DATABASE, DATABASE_WRITES, QUEUE, STORAGE):
        outages.over(subject)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if find_binaries() is None:
        pytest.skip("no PostgreSQL binaries for this machine")
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database with all tables: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'house.db'}")
    else:
        engine = open_database(request.getfixturevalue("postgres_url"))
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded queue server as a real process; yields its address."""
    folder = tmp_path_factory.mktemp("queue")
    environment = {"DATA_DIR": str(folder), "PATH": os.environ["PATH"], "REDIS_URL": ""}
    with process("-m", "core", "queue-server", environment=environment, log=folder / "log"):
        wait_until((folder / "queue.sock").exists, "the queue server did not start")
        yield f"unix://{folder / 'queue.sock'}?db=0"


@pytest.fixture
def queue(queue_server: str) -> WorkQueue:
    """An empty queue on the real server."""
    queue = open_queue(queue_server)
    wait_until(lambda: queue.ping() is None, "no answer")
    queue.connection.flushdb()
    return queue


@pytest.fixture(scope="session")
def material() -> Path:
    """Test material that is no part of the project."""
    folder = Path(os.environ.get("TEST_MATERIAL", Path(__file__).parent.parent.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no test material here (TEST_MATERIAL)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture
def x() -> Iterator[SandboxX]:
    """A fresh sandbox X over real HTTP."""
    with sandbox_x() as world:
        yield world
