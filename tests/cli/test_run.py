"""Test `threadpaint run` with real processes against the sandbox X."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.child_processes import child_environment, empty_folder
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import free_port, wait_until


@pytest.mark.processes
@pytest.mark.slow
def test_run_starts_all_processes_restarts_one_and_stops_them_in_time(tmp_path: Path, x: SandboxX) -> None:
    port, log = free_port(), tmp_path / "run.log"
    environment = child_environment(
        DATA_DIR=str(tmp_path / "data"),
        GALLERY_PORT=str(port),
        GPU_URL="http://127.0.0.1:1",
        X_API_URL=x.url,
        **{name.upper(): value for name, value in KEYS.items()},
    )

    def is_ready() -> bool:
        health = httpx.get(f"http://127.0.0.1:{port}/healthz").json()
        return bool(health["workers"]) and health["polled_seconds_ago"] is not None

    with log.open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "cli.app", "run"], cwd=empty_folder(), env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(is_ready, lambda: log.read_text(errors="replace")[-3000:], within=90)
        [gallery] = children_with(run.pid, "web")
        os.kill(gallery, signal.SIGKILL)
        wait_until(lambda: "web ended (SIGKILL)" in log.read_text(), "the death is not reported")
        wait_until(is_ready, "the gallery is not started again", within=60)
    finally:
        run.terminate()
        assert run.wait(30) == 0
    assert not children_with(run.pid, "")


def children_with(parent: int, word: str) -> list[int]:
    """Return the child processes of a process whose last argument is the word, or all of them."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == parent and row[-1].endswith(word)]
