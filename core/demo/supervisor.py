"""Start the processes of a Procfile, restart those that die, and stop all of them in time.

Each child leads a process group, so that Ctrl-C reaches only the supervisor and no grandchild outlives its group.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from honcho.environ import parse_procfile

from core.demo.process_utils import die_with_parent

STOP_TIMEOUT_SECONDS = 2.5
KILL_TIMEOUT_SECONDS = 1.0
# Seconds before a restart. The delay doubles while a process dies within STABLE_SECONDS seconds.
MIN_RESTART_DELAY = 0.2
MAX_RESTART_DELAY = 5.0
STABLE_SECONDS = 10.0


@dataclass
class Child:
    """One process of the Procfile."""

    name: str
    command: list[str]
    log: Path | None = None  # None: the output goes to the terminal
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restart_delay: float = MIN_RESTART_DELAY
    start_at: float = 0.0

    @property
    def runs(self) -> bool:
        """Return whether the process is alive."""
        return self.process is not None and self.process.poll() is None


def read_procfile(path: Path, logs: Path) -> list[Child]:
    """Return the children of a Procfile. `python` in a command becomes this process's interpreter."""
    lines = parse_procfile(path.read_text(encoding="utf-8")).processes.items()
    return [Child(name, _with_our_python(shlex.split(command)), logs / f"{name}.log") for name, command in lines]


class Supervisor:
    """Runs children until stopped.

    Args:
        children: in the order in which they start. They stop together, except `last`.
        environment: variables of every child.
        last: names of children that stop after all others, because the others need them until their end.
        print_line: prints a line for the operator.
        stop_seconds: how long children may take to stop.
    """

    def __init__(
        self,
        children: Iterable[Child],
        *,
        environment: Mapping[str, str],
        last: frozenset[str] = frozenset(),
        print_line: Callable[[str], None] = lambda line: None,
        stop_seconds: float = STOP_TIMEOUT_SECONDS,
    ) -> None:
        self.children = list(children)
        self.environment = dict(environment)
        self.last = last
        self.print_line = print_line
        self.stop_seconds = stop_seconds
        self.stop_asked = False

    def ask_to_stop(self, *_signal: object) -> None:
        """Handle a signal: the loop ends with its next round."""
        self.stop_asked = True

    def start_all(self) -> None:
        """Start every child."""
        for child in self.children:
            self._start(child)

    def run_once(self, *module: str, log: Path | None = None) -> bool:
        """Run `python -m <module>` to its end while the children are kept alive. Return whether it succeeded.

        A stop ends it. Its output goes to `log`, or else to the operator's terminal.
        """
        command = [sys.executable, "-m", *module]
        ends_with_us = partial(die_with_parent, os.getpid())
        with _open_log(log) as output:
            process = subprocess.Popen(  # noqa: S603
                command,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                process_group=0,
                preexec_fn=ends_with_us,  # noqa: PLW1509
            )
        while process.poll() is None and not self.stop_asked:
            self.keep_alive()
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
        return process.wait() == 0

    def keep_alive(self) -> None:
        """Note which children died, and restart those whose delay is over."""
        now = time.monotonic()
        for child in self.children:
            if child.runs or (child.process is None and not child.start_at):
                continue  # alive, or not started yet
            if child.process is not None:
                self._note_death(child, child.process.returncode, now)
            if now >= child.start_at:
                self._start(child)

    def stop_all(self) -> None:
        """Stop all within `stop_seconds`, then `last` within KILL_TIMEOUT_SECONDS. Kill the processes that remain."""
        self._stop([child for child in self.children if child.name not in self.last], self.stop_seconds)
        self._stop([child for child in self.children if child.name in self.last], KILL_TIMEOUT_SECONDS)

    def _start(self, child: Child) -> None:
        with _open_log(child.log) as log:
            child.process = subprocess.Popen(  # noqa: S603  # the commands are the Procfile's
                child.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                process_group=0,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509  # the supervisor has no threads
            )
        child.started = time.monotonic()

    def _note_death(self, child: Child, status: int, now: float) -> None:
        was_stable = now - child.started > STABLE_SECONDS
        child.restart_delay = MIN_RESTART_DELAY if was_stable else min(child.restart_delay * 2, MAX_RESTART_DELAY)
        child.start_at = now + child.restart_delay
        _signal_group(child, signal.SIGKILL)  # kill what is left of its group
        child.process = None
        self.print_line(
            f"{child.name} ended ({_describe_exit(status)}) and is restarted"
            + (f"; see {child.log}" if child.log else "")
        )

    def _stop(self, children: list[Child], timeout: float) -> None:
        running = [child for child in children if child.runs]
        for child in running:
            _signal_group(child, signal.SIGTERM, only_leader=True)
        _wait(running, timeout)
        for child in children:
            _signal_group(child, signal.SIGKILL)
        _wait(running, KILL_TIMEOUT_SECONDS)


def _open_log(path: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if path is None:
        return nullcontext()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _with_our_python(command: list[str]) -> list[str]:
    return [sys.executable, *command[1:]] if command[0] == "python" else command


def _signal_group(child: Child, number: signal.Signals, *, only_leader: bool = False) -> None:
    if child.process is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if only_leader:
            child.process.send_signal(number)
        else:
            os.killpg(child.process.pid, number)


def _wait(children: list[Child], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while any(child.runs for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)


def _describe_exit(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:  # no signal, or a signal without a name
        return f"status {status}"
