"""A very small supervisor: starts the processes of a Procfile, starts again what dies, stops all of them in time.

Each child leads a process group, so that Ctrl-C reaches only the supervisor and nothing of a child outlives it.
Knows nothing of what the processes do.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from honcho.environ import parse_procfile

from core.children import die_with_parent

STOP_WITHIN = 2.5
KILL_WITHIN = 1.0
# A process that dies at once is started again after ever longer pauses; one that lived a while, at once.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
LIVED_A_WHILE = 10.0


@dataclass
class Child:
    """One line of the Procfile and the process that runs it now."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float = 0.0

    @property
    def runs(self) -> bool:
        """Whether its process is alive."""
        return self.process is not None and self.process.poll() is None


def read_procfile(path: Path, logs: Path) -> list[Child]:
    """The children of a Procfile; `python` in a command is the interpreter that runs us."""
    lines = parse_procfile(path.read_text(encoding="utf-8")).processes.items()
    return [Child(name, _with_our_python(shlex.split(command)), logs / f"{name}.log") for name, command in lines]


class Supervisor:
    """Runs children until stopped.

    Args:
        children: in the order in which they start. They stop together, except `last`.
        environment: variables of every child.
        last: names of children that stop after all others, because the others need them until their end.
        tell: where a line for the host goes.
    """

    def __init__(
        self,
        children: Iterable[Child],
        *,
        environment: Mapping[str, str],
        last: frozenset[str] = frozenset(),
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.children = list(children)
        self.environment = dict(environment)
        self.last = last
        self.tell = tell
        self.stop_asked = False

    def ask_to_stop(self, *_signal: object) -> None:
        """Signal handler: the loop ends at its next look."""
        self.stop_asked = True

    def start_all(self) -> None:
        """Start every child."""
        for child in self.children:
            self._start(child)

    def run_once(self, *module: str) -> bool:
        """Run `python -m <module>` to its end while the children are kept alive; whether it went well.

        A stop ends it. What it says goes to the host's terminal.
        """
        command = [sys.executable, "-m", *module]
        ends_with_us = partial(die_with_parent, os.getpid())
        process = subprocess.Popen(command, env=self.environment, process_group=0, preexec_fn=ends_with_us)  # noqa: S603, PLW1509
        while process.poll() is None and not self.stop_asked:
            self.keep_alive()
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
        return process.wait() == 0

    def keep_alive(self) -> None:
        """One look: note who died, start again whose pause is over."""
        now = time.monotonic()
        for child in self.children:
            if child.runs or (child.process is None and not child.start_at):
                continue  # alive, or not begun yet
            if child.process is not None:
                self._note_death(child, child.process.returncode, now)
            if now >= child.start_at:
                self._start(child)

    def stop_all(self) -> None:
        """Ask all to end, wait at most STOP_WITHIN, then end what is left; the same for `last`, in KILL_WITHIN."""
        self._stop([child for child in self.children if child.name not in self.last], STOP_WITHIN)
        self._stop([child for child in self.children if child.name in self.last], KILL_WITHIN)

    def _start(self, child: Child) -> None:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603  # the commands are the Procfile's
                child.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509  # the supervisor has no threads
            )
        child.started = time.monotonic()

    def _note_death(self, child: Child, status: int, now: float) -> None:
        lived_a_while = now - child.started > LIVED_A_WHILE
        child.pause = FIRST_PAUSE if lived_a_while else min(child.pause * 2, LONGEST_PAUSE)
        child.start_at = now + child.pause
        _signal_group(child, signal.SIGKILL)  # whatever it left behind
        child.process = None
        self.tell(f"{child.name} ended ({_how(status)}) and is started again; see {child.log}")

    def _stop(self, children: list[Child], patience: float) -> None:
        running = [child for child in children if child.runs]
        for child in running:
            _signal_group(child, signal.SIGTERM, only_leader=True)
        _wait(running, patience)
        for child in children:
            _signal_group(child, signal.SIGKILL)
        _wait(running, KILL_WITHIN)


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


def _wait(children: list[Child], patience: float) -> None:
    deadline = time.monotonic() + patience
    while any(child.runs for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)


def _how(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:  # not ended by a signal, or by one of those without a name
        return f"status {status}"
