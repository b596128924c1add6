"""Run the product's commands as processes, forked from a server that has imported them (`fork_server.py`)."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.support import fork_server
from tests.support.child_processes import child_environment, empty_folder, stop_process
from tests.support.fork_server import NUMBER


class ForkedProcess:
    """`python -m COMMAND`, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self,
        *command: str,
        environment: Mapping[str, str],
        streams: tuple[IO[Any], IO[Any], IO[Any]],
        preloaded: tuple[str, ...] = (),
    ) -> None:
        """Start it in an empty folder. streams: input, output and errors. preloaded: as in `forked_process`."""
        self.command = command
        self.returncode: int | None = None
        request = {"command": command, "environment": dict(environment), "folder": str(empty_folder())}
        self._channel, theirs = socket.socketpair()
        with theirs:
            descriptors = [*(stream.fileno() for stream in streams), theirs.fileno()]
            socket.send_fds(_requests(preloaded), [b"\0"], descriptors)
        self._channel.sendall(json.dumps(request).encode() + b"\n")
        self.pid = self._read_number()

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._read_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative if a signal ended it. Raises subprocess.TimeoutExpired."""
        status = self._read_status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.command, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _read_status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._channel], [], [], timeout)[0]:
            self.returncode = self._read_number()
            self._channel.close()
        return self.returncode

    def _read_number(self) -> int:
        return int(NUMBER.unpack(self._channel.recv(NUMBER.size, socket.MSG_WAITALL))[0])


@contextmanager
def forked_process(
    *command: str, environment: Mapping[str, str], log: Path | None = None, preloaded: tuple[str, ...] = ()
) -> Iterator[ForkedProcess]:
    """Run `python -m COMMAND` with this environment alone, in an empty folder, and end it afterwards.

    preloaded: heavy modules that a server of their own imports, so that other forks do not inherit them.
    """
    devnull = Path(os.devnull)
    with devnull.open("rb") as nothing, (log or devnull).open("ab") as output:
        given = child_environment(**environment)
        running = ForkedProcess(*command, environment=given, streams=(nothing, output, output), preloaded=preloaded)
    try:
        yield running
    finally:
        stop_process(running)


def run_forked(
    *command: str, environment: Mapping[str, str], text: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run `python -m COMMAND` to its end with this environment alone, as `subprocess.run` does. text: its input."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(text.encode())
        given.seek(0)
        running = ForkedProcess(*command, environment=child_environment(**environment), streams=(given, output, errors))
        try:
            status = running.wait(timeout)
        finally:
            running.kill()
        for stream in (output, errors):
            stream.seek(0)
        return subprocess.CompletedProcess(command, status, output.read().decode(), errors.read().decode())


def preload(modules: tuple[str, ...]) -> None:
    """Let a server import these modules now, for `forked_process(preloaded=modules)` later."""
    _requests(modules)


@cache
def _requests(modules: tuple[str, ...]) -> socket.socket:
    """Start the server, once per test process. It ends with the other end of this socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", fork_server.__name__, str(theirs.fileno()), *modules],
            cwd=empty_folder(),
            # Read when torch and huggingface_hub are imported.
            env=child_environment(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1"),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours
