"""Start the services' process (`serving.py`), read its output, and end it in any case."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_SERVING = Path(__file__).with_name("serving.py")


class Ended(Exception):
    """The process ended, or wrote nothing for too long."""


class ServiceProcess:
    """A running process of services. `lines` come in order."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def next_line(self, deadline: float) -> dict[str, Any]:
        """Return the next line, at the latest at `deadline` of the monotonic clock. Raises Ended."""
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Ended("no time left") from None
        if line is None:
            raise Ended(f"the service ended with status {self.process.wait(60)}")
        return line

    def addresses(self, deadline: float) -> list[str]:
        """Return the addresses of its services once they listen. Raises Ended."""
        while "listening" not in (line := self.next_line(deadline)):
            pass
        return list(line["listening"])

    def end(self) -> dict[str, Any] | None:
        """Ask it to end. Return its last line, if any."""
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()
        with suppress(Ended):
            return self.next_line(time.monotonic() + 10)
        return None


@contextmanager
def run_services(
    folder: Path, services: list[dict[str, Any]], jobs: list[dict[str, Any]] | None = None
) -> Iterator[ServiceProcess]:
    """Run these services until the block ends, or until this process dies: the child reads its end of a pipe."""
    spec = {"folder": str(folder), "services": services, "jobs": jobs or []}
    environment = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **os.environ}
    process = subprocess.Popen(
        [sys.executable, str(_SERVING), json.dumps(spec)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield ServiceProcess(process)
    finally:
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
