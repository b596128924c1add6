"""Test processes with a wrong clock (libfaketime): they exit, log their machine, and stop no other machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.clock_check import record_skew
from core.queue import open_queue
from core.settings import RateLimitSettings, load
from core.x.rate_limit import XRateLimiter
from tests.support.forked_process import forked_process
from tests.support.gpu_service import sketch_service
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import process, wait_until


@pytest.fixture(scope="session")
def faketime() -> str:
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not libraries:
        pytest.skip("no libfaketime on this machine (apt install faketime)")
    return str(libraries[0])


@pytest.fixture
def environment(x: SandboxX, queue_server: str, migrated_engine: Engine, tmp_path: Path) -> Iterator[dict[str, str]]:
    url = migrated_engine.url.render_as_string()
    open_queue(queue_server).connection.flushdb()
    with sketch_service(small=True) as gpu_url:
        yield {name.upper(): value for name, value in KEYS.items()} | {
            "DATABASE_URL": url, "REDIS_URL": queue_server, "STORAGE_URL": str(tmp_path / "pictures"),
            "X_API_URL": x.url, "GPU_URL": gpu_url, "GPU_TOKEN": "secret", "POLL_SECONDS": "0.3",
            "WORKER_CONCURRENCY": "1", "DATA_DIR": str(tmp_path),
        }  # fmt: skip


def wrong(library: str, off: str) -> dict[str, str]:
    """Return variables that set a wrong clock."""
    return {"LD_PRELOAD": library, "FAKETIME": off}


@contextmanager
def healthy_processes(environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (
        forked_process("worker", environment=environment, log=folder / "right.log"),
        forked_process("bot", environment=environment, log=folder / "bot.log"),
    ):
        wait_until(lambda: "first start" in (folder / "bot.log").read_text(), "the poller did not start", within=60)
        yield


@pytest.mark.parametrize("program", ["worker", "bot"])
def test_a_program_exits_once_another_process_records_clock_skew(
    program: str, environment: dict[str, str], tmp_path: Path
) -> None:
    log, queue = tmp_path / "log", open_queue(environment["REDIS_URL"])
    with forked_process(program, environment=environment, log=log) as running:
        if program == "bot":
            wait_until(lambda: "first start" in log.read_text(), "the poller did not start", within=60)
        else:
            wait_until(lambda: queue.count_workers() > 0, "no worker registered", within=60)
        record_skew(queue, timedelta(minutes=10))
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


def test_a_worker_with_a_wrong_clock_stops_no_other_machine(
    environment: dict[str, str], x: SandboxX, faketime: str, tmp_path: Path
) -> None:
    log = tmp_path / "wrong.log"
    with healthy_processes(environment, tmp_path):
        with process("-m", "worker", environment=environment | wrong(faketime, "+10m"), log=log) as wrong_worker:
            posts = [x.post("@threadpaint a fox", author=f"asker_{number}") for number in range(4)]
            assert wrong_worker.wait(60) not in (0, None)
        wait_until(lambda: all(x.state()["answers"].get(str(post)) for post in posts), "they wait", within=120)
    assert x.state()["duplicates"] == 0
    assert XRateLimiter(open_queue(environment["REDIS_URL"]), load(RateLimitSettings)).blocked_calls() == {}
    assert f"the clock of {socket.gethostname()} is 600 s ahead" in log.read_text()
