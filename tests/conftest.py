"""Fixtures of several packages: databases, a queue server, a sandbox X."""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel

from core.migrate import migrate
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, STORAGE, outages
from core.queue import WorkQueue, open_queue
from core.settings.unknown_names import known_names
from tests.support.databases import PostgresTemplate, SqliteTemplate
from tests.support.forked_process import forked_process
from tests.support.postgres import find_binaries, running_postgres
from tests.support.sandbox_x import SandboxX, sandbox_x
from tests.support.servers import AppServer, app_server, wait_until

pytest_plugins = ["tests.support.collection_plugin", "tests.support.statement_plugin"]

# Settings of the machine or of a `.env` must not reach tests nor their children (tests/support/child_processes.py):
# they may be those of a live instance.
PREFIXES = ("GPU_", "X_", "GALLERY_", "SANDBOX_", "DEPLOY_")
for name in [name for name in os.environ if name in known_names() or name.startswith(PREFIXES)]:
    del os.environ[name]
os.environ["ENV_FILE"] = ""
# Read when torch and huggingface_hub are imported, which tests of several packages do.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Temporary files in memory: stored pictures and databases wait for the disk at every write.
MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(autouse=True)
def no_outage() -> None:
    """End outages of earlier tests: during an outage some log lines are not written."""
    for subject in (DATABASE, DATABASE_WRITES, QUEUE, STORAGE):
        outages.end(subject)


@pytest.fixture(autouse=True)
def log_to_open_streams() -> Iterator[None]:
    """Let log handlers that a test made write to stderr afterwards: the stream that they captured is closed."""
    yield
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for handler in [handler for logger in (logging.root, *loggers) for handler in logger.handlers]:
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            handler.stream = sys.__stderr__


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if find_binaries() is None:
        pytest.skip("no PostgreSQL binaries for this machine")
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("template"), SQLModel.metadata.create_all)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> PostgresTemplate:
    return PostgresTemplate(postgres_url, "tests", SQLModel.metadata.create_all)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an empty database with all tables. Each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        template: SqliteTemplate = request.getfixturevalue("sqlite_template")
        with template.open_copy(tmp_path) as engine:
            yield engine
    else:
        database: PostgresTemplate = request.getfixturevalue("postgres_template")
        with database.open_empty() as engine:
            yield engine


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("migrated"), migrate)


@pytest.fixture
def migrated_engine(migrated_template: SqliteTemplate, tmp_path: Path) -> Iterator[Engine]:
    """An empty, migrated SQLite database. A process finds it with `DATA_DIR=tmp_path`."""
    with migrated_template.open_copy(tmp_path) as engine:
        yield engine


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the embedded queue server as a process. Yield its address."""
    folder = tmp_path_factory.mktemp("queue")
    environment = {"DATA_DIR": str(folder), "PATH": os.environ["PATH"], "REDIS_URL": ""}
    with forked_process("core", "queue-server", environment=environment, log=folder / "log"):
        wait_until((folder / "queue.sock").exists, "the queue server did not start")
        yield f"unix://{folder / 'queue.sock'}?db=0"


@pytest.fixture
def queue(queue_server: str) -> WorkQueue:
    """Return an empty queue on the real server."""
    queue = open_queue(queue_server)
    wait_until(lambda: queue.ping() is None, "no answer")
    queue.connection.flushdb()
    return queue


@pytest.fixture(scope="session")
def material() -> Path:
    """Return the folder of test material, which is no part of the project."""
    folder = Path(os.environ.get("TEST_MATERIAL", Path(__file__).parent.parent.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no test material here (TEST_MATERIAL)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="session")
def x_server() -> Iterator[AppServer]:
    """Start one HTTP server for the sandbox X of all tests."""
    with app_server() as server:
        yield server


@pytest.fixture
def x(x_server: AppServer) -> Iterator[SandboxX]:
    """Yield a fresh sandbox X over real HTTP."""
    with sandbox_x(x_server) as world:
        yield world
