"""The operator's commands, as processes: each error is one line that names the variable."""

import json
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from core.database import open_database
from tests.support.child_processes import child_environment, empty_folder
from tests.support.forked_process import forked_process, run_forked
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

KEYS = {f"X_{name}": "k" for name in ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}
SETTINGS = {"X_API_URL": "http://127.0.0.1:1", "DATABASE_WAIT_SECONDS": "0"}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_forked(*command, environment=SETTINGS | environment)


@pytest.mark.parametrize("module", ["bot", "worker"])
def test_a_missing_key_is_a_one_line_error(module: str, tmp_path: Path) -> None:
    done = run(module, DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{module}: X_CONSUMER_KEY is missing")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["bot", "worker", "core status", "core jobs retry"])
def test_a_folder_without_an_instance_is_a_one_line_error_and_stays_empty(module: str, tmp_path: Path) -> None:
    done = run(*module.split(), DATA_DIR=str(tmp_path / "data"), **KEYS)
    assert done.returncode == 1
    assert f"no instance found: there is no database {tmp_path}/data/threadpaint.db" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["bot", "core status"])
def test_an_old_schema_is_a_one_line_error_with_both_revisions(module: str, tmp_path: Path) -> None:
    assert run("core", "migrate", "--to", "0011", DATA_DIR=str(tmp_path)).returncode == 0
    done = run(*module.split(), DATA_DIR=str(tmp_path), **KEYS)
    assert done.returncode == 1
    pattern = r"the database is at revision 0011, this code needs \d{4}; run: threadpaint migrate\n$"
    assert re.search(pattern, done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("migrated_engine")
@pytest.mark.parametrize("command", ["core migrate", "worker"])
def test_a_newer_schema_is_a_one_line_error_with_a_hint(command: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "threadpaint.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    # It exits at once: no waiting makes this code newer.
    done = run(*command.split(), DATA_DIR=str(tmp_path), **(KEYS | {"DATABASE_WAIT_SECONDS": "600"}))
    assert done.returncode == 1
    assert "revision 9999 is newer than this code" in done.stderr
    assert "threadpaint migrate --to" in done.stderr
    assert done.stderr.count("\n") == 1


def test_migrate_prints_the_revisions_or_that_nothing_is_to_do(tmp_path: Path) -> None:
    outputs = [run("core", "migrate", *to, DATA_DIR=str(tmp_path)).stdout for to in ([], [], ["--to", "0010"], [])]
    assert re.fullmatch(r"migrated the tables from an empty database to revision \d{4}\n", outputs[0])
    assert re.fullmatch(r"the tables are up to date \(revision \d{4}\); nothing to do\n", outputs[1])
    assert re.fullmatch(r"migrated the tables from \d{4} to revision 0010\n", outputs[2])
    assert re.fullmatch(r"migrated the tables from 0010 to revision \d{4}\n", outputs[3])
    done = run("core", "migrate", "--to", "4711", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--to 4711: no such revision" in done.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_concurrent_migrations_run_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    given = {"DATA_DIR": str(tmp_path)}
    if kind == "postgres":
        given["DATABASE_URL"] = request.getfixturevalue("postgres_url")
        with open_database(given["DATABASE_URL"]).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: run("core", "migrate", **given), range(3)))
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert sorted("nothing to do" in one.stdout for one in done) == [False, True, True]


@pytest.mark.usefixtures("queue")  # which is empty: the worker would run the jobs of other tests
def test_the_worker_waits_for_a_migration(tmp_path: Path, queue_server: str) -> None:
    environment = {"DATA_DIR": str(tmp_path), "REDIS_URL": queue_server, "DATABASE_WAIT_SECONDS": "300", **KEYS}
    with forked_process("worker", "--burst", environment=environment, log=tmp_path / "log") as worker:
        wait_until(lambda: "waiting for the database" in (tmp_path / "log").read_text(), "it did not wait")
        assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
        assert worker.wait(120) == 0, (tmp_path / "log").read_text()


def test_an_invalid_value_is_a_one_line_error_with_the_setting(tmp_path: Path) -> None:
    done = run("worker", DATA_DIR=str(tmp_path), X_PRICES="nonsense", **KEYS)
    assert done.returncode == 1
    assert done.stderr.startswith("worker: X_PRICES is wrong: 'nonsense' is not an item and its price")
    assert done.stderr.count("\n") == 1


def test_an_empty_key_is_a_one_line_error(tmp_path: Path) -> None:
    done = run("bot", DATA_DIR=str(tmp_path), **(KEYS | {"X_ACCESS_TOKEN": " "}))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("bot: X_ACCESS_TOKEN is empty (for example:")


def test_env_file_selects_the_instance(tmp_path: Path) -> None:
    home = tmp_path / "instance"
    home.mkdir()
    (home / ".env").write_text("DATA_DIR=data\n")
    assert run("core", "migrate", ENV_FILE=str(home / ".env")).returncode == 0
    assert (home / "data" / "threadpaint.db").exists()
    assert run("core", "status", ENV_FILE=str(home / ".env")).stdout.startswith("no creations yet")
    done = run("core", "status", ENV_FILE=str(tmp_path / "elsewhere.env"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ENV_FILE: there is no file" in done.stderr


def test_an_unreachable_database_is_a_one_line_error() -> None:
    done = run("core", "migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("threadpaint: DATABASE_URL: the database does not answer:")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("migrated_engine")
def test_one_poll_of_an_unreachable_x_is_a_one_line_error(tmp_path: Path) -> None:
    done = run("bot", "--once", DATA_DIR=str(tmp_path), **KEYS)
    queue, x = done.stderr.splitlines()
    assert "outage: the queue" in queue
    assert (done.returncode, x) == (1, "bot: x_unreachable: ConnectionError")


@pytest.mark.parametrize("module", ["bot", "core", "gallery", "gpu", "sandbox", "worker"])
def test_every_process_has_a_help_text(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]  # in a new interpreter, which imports this module alone
    done = subprocess.run(
        command, cwd=empty_folder(), env=child_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert f"python -m {module}" in done.stdout


@pytest.mark.usefixtures("migrated_engine")
def test_status_and_costs_of_an_empty_instance_are_printed(tmp_path: Path) -> None:
    status = run("core", "status", DATA_DIR=str(tmp_path))
    assert (status.returncode, status.stdout.splitlines()[0]) == (0, "no creations yet")
    month = run("core", "costs", "--month", "2026-11", DATA_DIR=str(tmp_path))
    assert month.stdout == "2026-11 (UTC)\n  no costs\n"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["--day", "yesterday"], "Invalid day 'yesterday' (expected e.g. 2026-11-20)"),
        (["--month", "2026-13"], "Invalid month '2026-13' (expected e.g. 2026-11)"),
        (["--day", "2026-11-20", "--month", "2026-11"], "--month or --day, not both"),
    ],
)
def test_an_invalid_period_of_costs_is_a_one_line_error(given: list[str], error: str) -> None:
    done = run("core", "costs", *given)
    assert (done.returncode, done.stderr) == (1, f"threadpaint: {error}\n")


@pytest.mark.usefixtures("migrated_engine")
@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("jobs retry 999999", "there is no creation 999999"),
        ("reports resolve 999", "there is no report 999"),
        ("costs --day 2026-11-31", "Invalid day '2026-11-31' (expected e.g. 2026-11-20)"),
    ],
)
def test_a_missing_row_is_a_one_line_error_with_an_exit_status(command: str, error: str, tmp_path: Path) -> None:
    done = run("core", *command.split(), DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, f"threadpaint: {error}\n")


@pytest.mark.usefixtures("migrated_engine")
def test_commands_print_json_and_a_version(tmp_path: Path) -> None:
    for command in ("core status", "core costs", "core reports", "bot forecast --per-day 500"):
        done = run(*command.split(), "--json", DATA_DIR=str(tmp_path), **KEYS)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) is not None
    for module in ("core", "bot"):
        assert re.fullmatch(r"threadpaint[ ,].+\n", run(module, "--version").stdout)


@pytest.mark.usefixtures("migrated_engine")
def test_a_forecast_includes_fixed_costs(tmp_path: Path) -> None:
    output = run("bot", "forecast", "--per-day", "500", DATA_DIR=str(tmp_path), **KEYS).stdout
    assert "500 answered prompts a day cost about" in output
    assert re.search(r"looking up posts again, at most +\$ +30\.00", output)
    assert re.search(r"MONTHLY_BUDGET_USD pays for about [\d,]+ answers only", output)


def test_an_unusable_queue_folder_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("core", "queue-server", DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("threadpaint: DATA_DIR: cannot store the queue in")
    assert done.stderr.count("\n") == 1
