"""The host's commands, as processes: what is wrong is one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT

KEYS = {f"X_{name}": "k" for name in ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "X_API_URL": "http://127.0.0.1:1"} | environment
    full = [sys.executable, "-m", *command]
    return subprocess.run(full, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["bot", "worker"])
def test_a_missing_key_stops_it_in_one_line(module: str, tmp_path: Path) -> None:
    done = run(module, DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{module}: X_CONSUMER_KEY is missing")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["bot", "worker", "core status", "core retry"])
def test_missing_tables_stop_it_in_one_line(module: str, tmp_path: Path) -> None:
    done = run(*module.split(), DATA_DIR=str(tmp_path), **KEYS)
    assert done.returncode == 1
    assert done.stderr.endswith("DATABASE_URL: the tables are not up to date; run: python -m core migrate\n")
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_away_is_one_line() -> None:
    done = run("core", "migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("threadpaint: DATABASE_URL: the database does not answer:")
    assert done.stderr.count("\n") == 1


def test_one_look_at_an_x_that_is_away_is_one_line(tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    done = run("bot", "--once", DATA_DIR=str(tmp_path), **KEYS)
    assert (done.returncode, done.stderr) == (1, "bot: x_unreachable: ConnectionError\n")


@pytest.mark.parametrize("module", ["bot", "core", "gallery", "gpu", "sandbox", "worker"])
def test_every_process_explains_itself(module: str) -> None:
    done = run(module, "--help")
    assert done.returncode == 0
    assert f"python -m {module}" in done.stdout


def test_the_host_sees_status_and_bill_of_an_empty_house(tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    status = run("core", "status", DATA_DIR=str(tmp_path))
    assert (status.returncode, status.stdout.splitlines()[0]) == (0, "no creations yet")
    month = run("core", "bill", "--month", "2026-11", DATA_DIR=str(tmp_path))
    assert month.stdout == "2026-11 (UTC)\n  nothing was paid\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--day", "yesterday"], "'yesterday' is none of ours; write it like 2026-11-20"),
        (["--month", "2026-13"], "'2026-13' is none of ours; write it like 2026-11"),
        (["--day", "2026-11-20", "--month", "2026-11"], "--month or --day, not both"),
    ],
)
def test_a_bill_of_no_day_is_one_line(given: list[str], told: str) -> None:
    done = run("core", "bill", *given)
    assert (done.returncode, done.stderr) == (1, f"threadpaint: {told}\n")
