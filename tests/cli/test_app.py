"""Test the console script: its commands, its help, its exit codes, and that it starts without heavy imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.app import app
from cli.run import COMMANDS
from tests.support.child_processes import ROOT
from tests.support.forked_process import run_forked
from tests.support.rows import make_creation, make_person

HEAVY = ("fastapi", "httpx", "jinja2", "pydantic", "rq", "sqlalchemy", "tweepy", "uvicorn")
EVERY_COMMAND = [
    "demo", "run", "poll", "work", "web", "queue-server", "status", "doctor", "costs", "forecast", "announce",
    "user list", "user ban", "user unban", "user erase", "reports", "reports list", "reports resolve",
    "reports remove", "jobs retry", "migrate", "backup", "restore", "adopt-storage", "db revision",
]  # fmt: skip


def threadpaint(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_forked("cli.app", *words, environment=environment)


@pytest.fixture
def instance(migrated_engine: Engine) -> str:
    """A migrated SQLite database with one user; returns its address."""
    make_creation(migrated_engine, person_id=make_person(migrated_engine, id=7, username="ada"))
    return str(migrated_engine.url)


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_each_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_and_version_import_nothing_heavy() -> None:
    code = f"import sys, cli.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("threadpaint ")


def test_run_and_procfile_start_the_same_processes() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert lines.keys() == COMMANDS.keys()
    assert all(command.endswith(f"threadpaint {COMMANDS[name]}") for name, command in lines.items())


def test_wrong_usage_exits_with_2() -> None:
    assert CliRunner().invoke(app, ["no-such-command"]).exit_code == 2
    assert CliRunner().invoke(app, ["poll", "--no-such-option"]).exit_code == 2


def test_failure_exits_with_1_and_one_line(tmp_path: Path) -> None:
    done = threadpaint("status", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("threadpaint: no instance found")


def test_user_list_shows_creations_and_bans(instance: str) -> None:
    environment = {"DATABASE_URL": instance}
    listed = CliRunner().invoke(app, ["user", "list"], env=environment)
    assert listed.output == "@ada (id 7)  0 creations, 0 public\n"
    assert CliRunner().invoke(app, ["user", "list", "--banned"], env=environment).output == "no user is banned\n"
    banned = CliRunner().invoke(app, ["user", "ban", "7", "--reason", "spam"], env=environment)
    assert banned.output.startswith("banned: @ada (id 7)\n")
    [user] = json.loads(CliRunner().invoke(app, ["user", "list", "--banned", "--json"], env=environment).output)
    assert (user["id"], user["username"], user["reason"]) == ("7", "ada", "spam")
    assert CliRunner().invoke(app, ["user", "unban", "7"], env=environment).output.startswith("not banned any more")


@pytest.mark.parametrize("command", ["costs", "forecast", "reports", "reports list", "user list"])
def test_json_is_printed_for_programs(command: str, instance: str) -> None:
    keys = {f"X_{name}": "k" for name in ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}
    result = CliRunner().invoke(app, [*command.split(), "--json"], env={"DATABASE_URL": instance} | keys)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) is not None


@pytest.mark.processes
def test_doctor_prints_json_and_exits_with_1_if_a_check_fails(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    done = threadpaint("doctor", "--json", DATA_DIR=str(tmp_path), X_API_URL=nowhere, GPU_URL=nowhere)
    results = json.loads(done.stdout)
    assert done.returncode == 1
    assert results[0].keys() == {"level", "message", "hint"}
    assert any(result["level"] == "FAIL" for result in results)
