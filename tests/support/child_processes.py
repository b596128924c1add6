"""How tests start our programs: in an empty folder, with a clean environment.

A checkout may hold the `.env` of a live instance. A child that read it would work on live data with live keys.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.support.statement_log import FOLDER_VARIABLE

ROOT = Path(__file__).parent.parent.parent


@cache
def empty_folder() -> Path:
    """A folder without a `.env`, one per test process."""
    folder = Path(tempfile.mkdtemp(prefix="threadpaint-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def child_environment(**given: str) -> dict[str, str]:
    """Variables of a child: what every Python needs, and what the test gives."""
    recording = {name: os.environ[name] for name in [FOLDER_VARIABLE] if name in os.environ}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ENV_FILE": ""} | recording | given


class Stoppable(Protocol):
    """A running process: `subprocess.Popen`, or a fork."""

    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> Any: ...


def stop_process(child: Stoppable) -> None:
    """Ask a process to stop, and end it if it does not within 8 seconds."""
    child.terminate()
    try:
        child.wait(8)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
