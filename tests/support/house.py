"""The whole demo as real processes, on ports and in a folder of its own; and the verbs of its users and its enemies."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import tenacity

from tests.support.children import child_environment, empty_folder
from tests.support.servers import free_port, wait_until

PORTS = ("GALLERY_PORT", "SANDBOX_PORT", "GPU_PORT")
# X's own limits on writing.
WRITES = {"POST /2/tweets": 100, "POST /2/media/upload": 500, "POST /2/media/metadata": 500}
# One person asks for all, and nothing costs.
OPEN_HANDED = {"PERSON_DAILY_LIMIT": "10000", "BUDGET_DAY_USD": "none", "BUDGET_MONTH_USD": "none"}


def _as_long_as_told(state: tenacity.RetryCallState) -> float:
    assert state.outcome is not None
    return float(state.outcome.result().headers["Retry-After"])


@dataclass
class House:
    """A running demo."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))

    @property
    def data(self) -> Path:
        return Path(self.environment["DATA_DIR"])

    @property
    def gallery(self) -> str:
        return f"http://127.0.0.1:{self.environment['GALLERY_PORT']}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.environment['SANDBOX_PORT']}"

    def post(self, text: str, author: str = "ada", **values: Any) -> str:
        """Somebody posts on the sandbox; returns the post's id."""
        answer = self.http.post(f"{self.sandbox}/sandbox/posts", json={"author": author, "text": text, **values})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """A call to the sandbox's control."""
        answer = self.http.post(f"{self.sandbox}/sandbox/{what}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def shorten_windows(self, seconds: int) -> None:
        """X's own limits on writing, per window of `seconds` instead of a quarter of an hour."""
        limits = [{"endpoint": call, "calls": calls, "seconds": seconds} for call, calls in WRITES.items()]
        self.control("limits", limits=limits)

    def answers(self) -> dict[str, int]:
        """How often the bot answered each post."""
        return dict(self.state()["answers"])

    def state(self) -> dict[str, Any]:
        """The sandbox's own count of everything."""
        return dict(self.http.get(f"{self.sandbox}/sandbox/state").raise_for_status().json())

    @tenacity.retry(
        retry=tenacity.retry_if_result(lambda answer: answer.status_code == 429),
        wait=_as_long_as_told,
        stop=tenacity.stop_after_delay(90),
    )
    def ask(self, path: str, **params: str) -> httpx.Response:
        """Ask the gallery as a program with manners does: where it asks too much, it comes back when it is told to."""
        return self.http.get(self.gallery + path, params=params or None)

    def creations(self) -> list[dict[str, Any]]:
        """All that hangs in the gallery, newest first, read page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            given = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = self.ask("/api/creations", **given).raise_for_status().json()
            items += page["items"]
            if not (cursor := page["next"] or ""):
                return items

    def processes(self, words: str) -> list[psutil.Process]:
        """Processes of this demo whose command line contains `words`, oldest first."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        return sorted((p for p in family if words in " ".join(_command(p))), key=lambda p: p.pid)

    def kill(self, words: str) -> None:
        """kill -9 the first such process."""
        with suppress(psutil.NoSuchProcess, IndexError):
            self.processes(words)[0].kill()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 10.0) -> float:
        """Stop the demo; returns the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within)
        return time.monotonic() - began


def start(data: Path, **settings: str) -> House:
    """Start a demo and return at once."""
    ports = {name: str(free_port()) for name in PORTS}
    # Tests count replies: no notice in a queue that a busy machine makes long.
    quiet = {"WAIT_NOTICE_MINUTES": "0"}
    environment = child_environment(HOME=str(data), DATA_DIR=str(data), **ports) | quiet | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "demo"],
        env=environment,
        cwd=empty_folder(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    house = House(process, environment)
    threading.Thread(target=_listen, args=(house,), daemon=True).start()
    return house


@contextmanager
def running_house(data: Path, **settings: str) -> Iterator[House]:
    """A demo that has said `ready`; stopped at the end."""
    house = start(data, **settings)
    try:
        wait_until(lambda: _is_ready(house), lambda: f"not ready: {house.lines}", within=180)
        yield house
    finally:
        if house.process.poll() is None:
            house.stop()
        house.http.close()


def _is_ready(house: House) -> bool:
    assert house.process.poll() is None, "\n".join(house.lines)
    return any(line.startswith("ready:") for line in house.lines)


def _listen(house: House) -> None:
    assert house.process.stdout is not None
    for line in house.process.stdout:
        house.lines.append(line.rstrip())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
