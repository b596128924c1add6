"""Test that real processes after a restored backup reply once to each post, on SQLite and PostgreSQL."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from core.database import open_database
from core.migrate import migrate
from core.queue import open_queue
from tests.support.forked_process import forked_process
from tests.support.gpu_service import sketch_service
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import wait_until

ASKED = 5


@dataclass
class Database:
    """A database with its backup."""

    url: str
    back_up: Callable[[], None]
    restore: Callable[[], None]


def sqlite(folder: Path) -> Database:
    file, backup = folder / "live.db", folder / "backup.db"

    def back_up() -> None:
        with sqlite3.connect(file) as live, sqlite3.connect(backup) as copy:
            live.backup(copy)

    def restore() -> None:
        for old in folder.glob("live.db*"):
            old.unlink()
        shutil.copy(backup, file)

    return Database(f"sqlite:///{file}", back_up, restore)


def postgres(server: str) -> Database:
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def copy(source: str, target: str) -> None:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {target}"))
            connection.execute(text(f"CREATE DATABASE {target} TEMPLATE {source}"))

    copy("template1", "live")
    url = make_url(server).set(database="live").render_as_string(hide_password=False)
    return Database(url, lambda: copy("live", "saved"), lambda: copy("saved", "live"))


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return sqlite(tmp_path)
    return postgres(request.getfixturevalue("postgres_url"))


@contextmanager
def running(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a poller and a worker as two programs."""
    with ExitStack() as stack:
        for name in ("worker", "bot"):
            stack.enter_context(forked_process(name, environment=environment, log=folder / f"{name}.log"))
        yield


@pytest.mark.parametrize(("database", "queue_is"), [("sqlite", "intact"), ("postgres", "lost")], indirect=["database"])
def test_no_post_gets_a_second_reply_after_a_restored_backup(
    database: Database, x: SandboxX, queue_server: str, tmp_path: Path, queue_is: str
) -> None:
    queue = open_queue(queue_server)
    queue.connection.flushdb()
    migrate(engine := open_database(database.url))
    engine.dispose()
    with sketch_service() as gpu_url:
        environment = {name.upper(): value for name, value in KEYS.items()} | {
            "DATABASE_URL": database.url, "REDIS_URL": queue_server, "STORAGE_URL": str(tmp_path / "pictures"),
            "X_API_URL": x.url, "GPU_URL": gpu_url, "GPU_TOKEN": "secret", "POLL_SECONDS": "0.3",
            "POLL_MAX_SECONDS": "0.3", "POLL_OVERLAP_INTERVAL_SECONDS": "1", "WORKER_CONCURRENCY": "1",
            "DATA_DIR": str(tmp_path),
        }  # fmt: skip

        def ask(name: str, count: int) -> list[int]:
            return [x.post("@threadpaint a fox", author=f"{name}_{number}") for number in range(count)]

        def all_answered(posts: list[int]) -> bool:
            answers = x.state()["answers"]
            return all(answers.get(str(post)) for post in posts)

        with running(environment, tmp_path):
            wait_until(lambda: "first start" in (tmp_path / "bot.log").read_text(), "no poller", within=60)
            early = ask("early", 1)
            wait_until(lambda: all_answered(early), "the first was not answered", within=90)
        database.back_up()
        with running(environment, tmp_path):
            posts = ask("asker", ASKED)
            wait_until(lambda: all_answered(posts), "they were not answered", within=120)
        database.restore()
        if queue_is == "lost":
            queue.connection.flushdb()
        with running(environment, tmp_path):
            late = ask("late", 1)
            wait_until(lambda: all_answered(late), "it does not continue", within=120)
            wait_until(lambda: _replied(database.url) == ASKED + 2, "they were not marked", within=120)
    answers = x.state()
    assert sorted(answers["answers"].values()) == [1] * (ASKED + 2)
    assert answers["duplicates"] == 0


def _replied(url: str) -> int:
    engine = open_database(url)
    with engine.connect() as connection:
        replied = connection.execute(text("SELECT count(*) FROM creation WHERE state = 'replied'")).scalar_one()
    engine.dispose()
    return int(replied)
