"""The host's commands, as processes: what is wrong is one line that names the variable."""

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
from tests.support.children import child_environment, empty_folder
from tests.support.servers import process, wait_until

KEYS = {f"X_{name}": "k" for name in ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = child_environment(X_API_URL="http://127.0.0.1:1", DATABASE_WAIT_SECONDS="0") | environment
    full = [sys.executable, "-m", *command]
    return subprocess.run(full, cwd=empty_folder(), env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["bot", "worker"])
def test_a_missing_key_stops_it_in_one_line(module: str, tmp_path: Path) -> None:
    done = run(module, DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{module}: X_CONSUMER_KEY is missing")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["bot", "worker", "core status", "core retry"])
def test_a_folder_without_an_instance_stops_it_in_one_line_and_stays_empty(module: str, tmp_path: Path) -> None:
    done = run(*module.split(), DATA_DIR=str(tmp_path / "data"), **KEYS)
    assert done.returncode == 1
    assert f"no instance found: there is no database {tmp_path}/data/threadpaint.db" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["bot", "core status"])
def test_old_tables_stop_it_in_one_line_that_names_both_revisions(module: str, tmp_path: Path) -> None:
    assert run("core", "migrate", "--to", "0011", DATA_DIR=str(tmp_path)).returncode == 0
    done = run(*module.split(), DATA_DIR=str(tmp_path), **KEYS)
    assert done.returncode == 1
    told = r"the database is at revision 0011, this code needs \d{4}; run: python -m core migrate\n$"
    assert re.search(told, done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["core migrate", "worker"])
def test_tables_of_newer_code_stop_it_with_what_to_do(command: str, tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    with sqlite3.connect(tmp_path / "threadpaint.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    # However long it may wait for the database: no waiting makes this code newer.
    done = run(*command.split(), DATA_DIR=str(tmp_path), **(KEYS | {"DATABASE_WAIT_SECONDS": "600"}))
    assert done.returncode == 1
    assert "revision 9999 is newer than this code" in done.stderr
    assert "python -m core migrate --to" in done.stderr
    assert done.stderr.count("\n") == 1


def test_migrating_says_from_where_to_where_and_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    told = [run("core", "migrate", *to, DATA_DIR=str(tmp_path)).stdout for to in ([], [], ["--to", "0010"], [])]
    assert re.fullmatch(r"migrated the tables from an empty database to revision \d{4}\n", told[0])
    assert re.fullmatch(r"the tables are up to date \(revision \d{4}\); nothing to do\n", told[1])
    assert re.fullmatch(r"migrated the tables from \d{4} to revision 0010\n", told[2])
    assert re.fullmatch(r"migrated the tables from 0010 to revision \d{4}\n", told[3])
    done = run("core", "migrate", "--to", "4711", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--to 4711: no such revision" in done.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_migrations_at_once_are_one(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
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


def test_the_worker_waits_for_tables_that_are_migrated_meanwhile(tmp_path: Path, queue_server: str) -> None:
    environment = {"DATA_DIR": str(tmp_path), "REDIS_URL": queue_server, **KEYS}
    with process("-m", "worker", "--burst", environment=environment, log=tmp_path / "log") as worker:
        wait_until(lambda: "waiting for the database" in (tmp_path / "log").read_text(), "it did not wait")
        assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
        assert worker.wait(60) == 0, (tmp_path / "log").read_text()


def test_a_value_that_cannot_be_parsed_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    done = run("worker", DATA_DIR=str(tmp_path), PRICES="nonsense", **KEYS)
    assert done.returncode == 1
    assert done.stderr.startswith("worker: PRICES is wrong: 'nonsense' is not an item and its price")
    assert done.stderr.count("\n") == 1


def test_a_copy_of_the_example_that_nobody_filled_in_starts_nothing(tmp_path: Path) -> None:
    done = run("bot", DATA_DIR=str(tmp_path), **(KEYS | {"X_ACCESS_TOKEN": " "}))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("bot: X_ACCESS_TOKEN is empty (for example:")


def test_a_command_in_another_folder_finds_its_instance_by_the_named_file(tmp_path: Path) -> None:
    home = tmp_path / "instance"
    home.mkdir()
    (home / ".env").write_text("DATA_DIR=data\n")
    assert run("core", "migrate", ENV_FILE=str(home / ".env")).returncode == 0
    assert (home / "data" / "threadpaint.db").exists()
    assert run("core", "status", ENV_FILE=str(home / ".env")).stdout.startswith("no creations yet")
    done = run("core", "status", ENV_FILE=str(tmp_path / "elsewhere.env"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ENV_FILE: there is no file" in done.stderr


def test_a_database_that_is_away_is_one_line() -> None:
    done = run("core", "migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("threadpaint: DATABASE_URL: the database does not answer:")
    assert done.stderr.count("\n") == 1


def test_one_look_at_an_x_that_is_away_is_one_line_beside_the_one_about_the_queue(tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    done = run("bot", "--once", DATA_DIR=str(tmp_path), **KEYS)
    queue, x = done.stderr.splitlines()
    assert "outage: the queue" in queue
    assert (done.returncode, x) == (1, "bot: x_unreachable: ConnectionError")


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
        (["--day", "yesterday"], "'yesterday' does not exist; write it like 2026-11-20"),
        (["--month", "2026-13"], "'2026-13' does not exist; write it like 2026-11"),
        (["--day", "2026-11-20", "--month", "2026-11"], "--month or --day, not both"),
    ],
)
def test_a_bill_of_no_day_is_one_line(given: list[str], told: str) -> None:
    done = run("core", "bill", *given)
    assert (done.returncode, done.stderr) == (1, f"threadpaint: {told}\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("retry 999999", "there is no creation 999999"),
        ("reports --done 999", "there is no report 999"),
        ("bill --day 2026-11-31", "'2026-11-31' does not exist; write it like 2026-11-20"),
    ],
)
def test_what_is_not_found_is_one_line_and_an_exit_status(command: str, told: str, tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    done = run("core", *command.split(), DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, f"threadpaint: {told}\n")


def test_programs_get_json_and_a_version(tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    for command in ("core status", "core bill", "core reports", "bot cost --per-day 500"):
        done = run(*command.split(), "--json", DATA_DIR=str(tmp_path), **KEYS)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) is not None
    for module in ("core", "bot"):
        assert re.fullmatch(r"threadpaint[ ,].+\n", run(module, "--version").stdout)


def test_a_forecast_counts_what_is_paid_without_answers(tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    told = run("bot", "cost", "--per-day", "500", DATA_DIR=str(tmp_path), **KEYS).stdout
    assert "500 answered prompts a day cost about" in told
    assert re.search(r"looking up posts again, at most +\$ +30\.00", told)
    assert re.search(r"BUDGET_MONTH_USD pays for about [\d,]+ answers only", told)


def test_a_folder_that_cannot_hold_the_queue_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("core", "queue-server", DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("threadpaint: DATA_DIR: no queue can be kept in")
    assert done.stderr.count("\n") == 1
