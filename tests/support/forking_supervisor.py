"""Run `python -m core demo` with children that are forked: they need not import their modules.

`tests/support/fork_server.py` imports all modules and forks this supervisor. Its children are its forks, and processes
like any other: each has its own process group, environment, output, signals and exit status, and Linux shows its
command. Only the start differs. Works on Linux only.

Not for `threadpaint run`: that supervisor migrates in its own process, and SQLite must not be used on both sides of a
fork.
"""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from core.demo import supervisor


class ForkedChild:
    """A fork in place of `python -m COMMAND`, with the methods of `subprocess.Popen` that the supervisor uses."""

    def __init__(
        self,
        command: list[str],
        *,
        env: Mapping[str, str],
        process_group: int,
        preexec_fn: Callable[[], None],
        stdin: int | None = None,
        stdout: IO[bytes] | None = None,
        stderr: int | None = None,
    ) -> None:
        def run() -> None:
            os.setpgid(0, process_group)
            preexec_fn()
            _redirect(stdin, stdout, stderr)
            run_module(command, env)

        self._process = get_context("fork").Process(target=run)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit status, negative if a signal ended the process, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self.returncode

    def wait(self) -> int:
        """Wait for the end. Return the exit status."""
        self._process.join()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def run_module(command: list[str], environment: Mapping[str, str]) -> None:
    """Run `python -m COMMAND` in this process, a fresh fork, with this environment alone. command: as for `Popen`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Files that the fork has inherited, such as the lock of the folder. A new program would not have them.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]  # PYTHONUNBUFFERED is read at a start only
    os.environ.clear()
    os.environ.update(environment)
    show_command(command)
    sys.argv = command[2:]
    runpy.run_module(command[2], run_name="__main__", alter_sys=True)


def show_command(command: list[str]) -> None:
    """Make `ps` and psutil show this command: Linux reads it from the process's own memory (proc(5))."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    words = b"\0".join(os.fsencode(word) for word in command)[: end - start - 1]
    ctypes.memmove(start, words.ljust(end - start, b"\0"), end - start)


def _redirect(stdin: int | None, stdout: IO[bytes] | None, stderr: int | None) -> None:
    if stdin == subprocess.DEVNULL:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if stdout:
        os.dup2(stdout.fileno(), 1)
    if stderr == subprocess.STDOUT:
        os.dup2(1, 2)


def main() -> None:
    """Run the supervisor that the arguments name, such as `core demo`."""
    names: dict[str, Any] = {"Popen": ForkedChild, "DEVNULL": subprocess.DEVNULL, "STDOUT": subprocess.STDOUT}
    vars(supervisor)["subprocess"] = SimpleNamespace(**names)
    command = [sys.executable, "-m", *sys.argv[1:]]
    show_command(command)
    sys.argv = command[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
