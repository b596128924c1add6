"""Start the whole demo as real processes with its own ports and folder, post to it, and kill its processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import httpx
import psutil
import tenacity

from core.demo.environment import demo_environment
from core.models import State
from core.settings import AppSettings, load
from sandbox.samples import SAMPLES
from tests.support import forking_supervisor
from tests.support.child_processes import child_environment, empty_folder
from tests.support.forked_process import ForkedProcess
from tests.support.servers import free_port, wait_until

PORTS = ("GALLERY_PORT", "SANDBOX_PORT", "GPU_PORT")
# X's own limits on writing.
WRITES = {"POST /2/tweets": 100, "POST /2/media/upload": 500, "POST /2/media/metadata": 500}
# One user posts all prompts, and no budget stops them.
NO_LIMITS_AND_BUDGETS = {"USER_DAILY_LIMIT": "10000", "DAILY_BUDGET_USD": "none", "MONTHLY_BUDGET_USD": "none"}


def _retry_after(state: tenacity.RetryCallState) -> float:
    assert state.outcome is not None
    return float(state.outcome.result().headers["Retry-After"])


@dataclass
class Demo:
    """A running demo."""

    process: subprocess.Popen[bytes] | ForkedProcess
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))

    @property
    def data(self) -> Path:
        return Path(self.environment["DATA_DIR"])

    def program_environment(self) -> dict[str, str]:
        """Return the variables of the demo's own processes."""
        with patch.dict(os.environ, self.environment, clear=True):
            return demo_environment(load(AppSettings))

    @property
    def gallery(self) -> str:
        return f"http://127.0.0.1:{self.environment['GALLERY_PORT']}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.environment['SANDBOX_PORT']}"

    def post(self, text: str, author: str = "ada", **values: Any) -> str:
        """Post on the sandbox. Return the post's id."""
        answer = self.http.post(f"{self.sandbox}/sandbox/posts", json={"author": author, "text": text, **values})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def post_samples(self) -> None:
        """Post the dozen sample prompts, once per demo, and wait until they are painted and answered."""
        self.http.post(f"{self.sandbox}/sandbox/samples").raise_for_status()
        wait_until(lambda: len(self.answers()) >= len(SAMPLES), "the samples were not answered", within=90)

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """Call the sandbox's control API."""
        answer = self.http.post(f"{self.sandbox}/sandbox/{what}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def shorten_windows(self, seconds: int) -> None:
        """Apply X's own write limits per window of `seconds` instead of 15 minutes."""
        limits = [{"endpoint": call, "calls": calls, "seconds": seconds} for call, calls in WRITES.items()]
        self.control("limits", limits=limits)

    def answers(self) -> dict[str, int]:
        """Return the number of the bot's replies to each post."""
        return dict(self.state()["answers"])

    def state(self) -> dict[str, Any]:
        """Return the sandbox's counts of calls, replies and duplicates."""
        return dict(self.http.get(f"{self.sandbox}/sandbox/state").raise_for_status().json())

    def leases(self, state: State) -> set[str]:
        """Return the tokens of all leases in this state: of running jobs, and of jobs that died shortly before."""
        file = self.data / "threadpaint.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
            leased = "SELECT lease_token FROM creation WHERE lease_token IS NOT NULL AND state = ?"
            rows = database.execute(leased, (state.value,))
            return {str(token) for (token,) in rows}

    @tenacity.retry(
        retry=tenacity.retry_if_result(lambda answer: answer.status_code == 429),
        wait=_retry_after,
        stop=tenacity.stop_after_delay(90),
    )
    def ask(self, path: str, **params: str) -> httpx.Response:
        """Request a page or the API. After a 429, wait as Retry-After says and try again."""
        return self.http.get(self.gallery + path, params=params or None)

    def creations(self) -> list[dict[str, Any]]:
        """Return all public creations, newest first."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            given = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = self.ask("/api/creations", **given).raise_for_status().json()
            items += page["items"]
            if not (cursor := page["next"] or ""):
                return items

    def processes(self, words: str) -> list[psutil.Process]:
        """Return the processes of this demo whose command line contains `words`, oldest first."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return sorted((p for p in children if words in " ".join(_command(p))), key=lambda p: p.pid)

    def kill(self, words: str) -> None:
        """Kill the oldest process whose command line contains `words`. Wait for it if it is being restarted."""
        oldest = wait_until(lambda: self.processes(words), f"no process with {words!r}")[0]
        with suppress(psutil.NoSuchProcess):
            oldest.kill()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 10.0) -> float:
        """Stop the demo. Return the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within)
        return time.monotonic() - started


def start(data: Path, **settings: str) -> Demo:
    """Start a demo and return at once."""
    return _start(_launch, data, settings)


def start_fork(data: Path, **settings: str) -> Demo:
    """Start a demo whose processes are forks, and return at once."""
    return _start(_fork if sys.platform == "linux" else _launch, data, settings)


@contextmanager
def running_demo(data: Path, **settings: str) -> Iterator[Demo]:
    """Yield a demo that is ready, and stop it at the end."""
    with _stopped_at_end(start(data, **settings)) as demo:
        yield demo


@contextmanager
def forked_demo(data: Path, **settings: str) -> Iterator[Demo]:
    """Do the same with forks instead of new programs (`tests/support/forking_supervisor.py`).

    It is ready after 2 instead of 10 seconds of CPU time, and a process restarts in 0.3 instead of 1 to 2.
    """
    with _stopped_at_end(start_fork(data, **settings)) as demo:
        yield demo


def _start(
    start_process: Callable[[dict[str, str], IO[bytes]], subprocess.Popen[bytes] | ForkedProcess],
    data: Path,
    settings: dict[str, str],
) -> Demo:
    ports = {name: str(free_port()) for name in PORTS}
    # Tests count replies, so no wait notices: on a busy machine the queue is long. They fill the demo as they need.
    quiet = {"WAIT_NOTICE_MINUTES": "0", "DEMO_EMPTY": "1"}
    environment = child_environment(HOME=str(data), DATA_DIR=str(data), **ports) | quiet | settings
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as output:
        demo = Demo(start_process(environment, output), environment)
    threading.Thread(target=_listen, args=(demo, reading), daemon=True).start()
    return demo


@contextmanager
def _stopped_at_end(demo: Demo) -> Iterator[Demo]:
    try:
        wait_until(lambda: _is_ready(demo), lambda: f"not ready: {demo.lines}", within=180)
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop()
        demo.http.close()


def _launch(environment: dict[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", "demo"],
        env=environment,
        cwd=empty_folder(),
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _fork(environment: dict[str, str], output: IO[bytes]) -> ForkedProcess:
    with Path(os.devnull).open("rb") as nothing:
        return ForkedProcess(
            forking_supervisor.__name__, "core", "demo", environment=environment, streams=(nothing, output, output)
        )


def _is_ready(demo: Demo) -> bool:
    assert demo.process.poll() is None, "\n".join(demo.lines)
    return any(line.startswith("ready:") for line in demo.lines)


def _listen(demo: Demo, output: int) -> None:
    with os.fdopen(output) as lines:
        for line in lines:
            demo.lines.append(line.rstrip())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
