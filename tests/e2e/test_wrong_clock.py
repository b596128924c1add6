"""Machines with a wrong clock, as processes under libfaketime: they end, name themselves, and stop nobody else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock_check import note_skew
from core.database import open_database
from core.pace import Pace
from core.queue import open_queue
from core.schema import migrate
from core.settings import PaceSettings, load
from tests.support.painter import sketch_service
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import process, wait_until


@pytest.fixture(scope="session")
def faketime() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("no libfaketime on this machine (apt install faketime)")
    return str(found[0])


@pytest.fixture
def environment(x: SandboxX, queue_server: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    migrate(open_database(url))
    open_queue(queue_server).connection.flushdb()
    with sketch_service() as painter:
        yield {name.upper(): value for name, value in KEYS.items()} | {
            "DATABASE_URL": url, "REDIS_URL": queue_server, "STORAGE_URL": str(tmp_path / "pictures"),
            "X_API_URL": x.url, "GPU_URL": painter, "GPU_TOKEN": "secret", "POLL_SECONDS": "0.3", "WORKERS": "1",
            "DATA_DIR": str(tmp_path),
        }  # fmt: skip


def wrong(library: str, off: str) -> dict[str, str]:
    """A clock that is off."""
    return {"LD_PRELOAD": library, "FAKETIME": off}


@contextmanager
def right_ones(environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (
        process("-m", "worker", environment=environment, log=folder / "right.log"),
        process("-m", "bot", environment=environment, log=folder / "bot.log"),
    ):
        wait_until(lambda: "first start" in (folder / "bot.log").read_text(), "it did not listen", within=60)
        yield


@pytest.mark.parametrize("program", ["worker", "bot"])
def test_a_program_ends_once_a_process_of_its_machine_has_seen_that_x_tells_another_time(
    program: str, environment: dict[str, str], tmp_path: Path
) -> None:
    log, queue = tmp_path / "log", open_queue(environment["REDIS_URL"])
    with process("-m", program, environment=environment, log=log) as running:
        if program == "bot":
            wait_until(lambda: "first start" in log.read_text(), "it did not listen", within=60)
        else:
            wait_until(lambda: queue.count_workers() > 0, "it does not work", within=60)
        note_skew(queue, timedelta(minutes=10))
        assert running.wait(60) not in (0, None)
    assert f"the clock of {socket.gethostname()} is 600 s ahead of X's" in log.read_text()


@pytest.mark.parametrize(("program", "off"), [("worker", "+10m"), ("bot", "-10m")])
def test_a_program_on_a_machine_with_a_wrong_clock_does_not_start(
    program: str, off: str, environment: dict[str, str], faketime: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with process("-m", program, environment=environment | wrong(faketime, off), log=log) as running:
        assert running.wait(60) not in (0, None)
    assert (
        f"the clock of {socket.gethostname()} is 600 s {'ahead of' if off[0] == '+' else 'behind'}" in log.read_text()
    )


def test_a_worker_with_a_wrong_clock_stops_nobody_else(
    environment: dict[str, str], x: SandboxX, faketime: str, tmp_path: Path
) -> None:
    log = tmp_path / "wrong.log"
    with right_ones(environment, tmp_path):
        with process("-m", "worker", environment=environment | wrong(faketime, "+10m"), log=log) as guilty:
            posts = [x.post("@threadpaint a fox", author=f"asker_{number}") for number in range(4)]
            assert guilty.wait(60) not in (0, None)
        wait_until(lambda: all(x.state()["answers"].get(str(post)) for post in posts), "they wait", within=120)
    assert x.state()["duplicates"] == 0
    assert Pace(open_queue(environment["REDIS_URL"]), load(PaceSettings)).suspended() == {}
    assert f"the clock of {socket.gethostname()} is 600 s ahead" in log.read_text()
