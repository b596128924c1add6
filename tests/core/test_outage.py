"""An outage logs one line when it begins and one when it ends."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core.database import open_database, read_connection, write_session
from core.errors import TryLater
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, OutageReporter, outages
from core.queue import open_queue
from tests.support.child_processes import child_environment


@dataclass
class Lines:
    """A logger that collects its lines."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def warning(self, event: str, /, **values: object) -> None:
        self.lines.append((event, values))


@dataclass
class Clock:
    """A clock that the test advances."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_many_failures_log_one_line_and_the_end_with_count_and_duration() -> None:
    log, clock = Lines(), Clock()
    seen = OutageReporter(log, clock=clock)
    for _ in range(1000):
        seen.record_failure("the queue", "refused\nby  somebody")
        clock.seconds += 0.02
    clock.seconds += 30
    seen.record_success("the queue")
    clock.seconds += 10
    seen.record_success("the queue")
    seen.record_success("the queue")
    assert log.lines == [
        ("outage: the queue", {"reason": "refused by somebody"}),
        ("outage over: the queue", {"seconds": 50.0, "failures": 1000}),
    ]


def test_failures_within_seconds_are_one_outage() -> None:
    log, clock = Lines(), Clock()
    seen = OutageReporter(log, clock=clock)
    for _ in range(100):
        seen.record_failure("writing", "disk full")
        clock.seconds += 1
        seen.record_success("writing")
    assert len(log.lines) == 1
    assert seen.is_ongoing("writing")


def test_each_subject_and_kind_is_reported() -> None:
    log = Lines()
    seen = OutageReporter(log, clock=Clock())
    for kind in ("x_down", "x_unreachable", "x_down"):
        seen.record_failure("X", kind, kind=kind)
    seen.record_failure("the queue", "away")
    assert [values["reason"] for _, values in log.lines] == ["x_down", "x_unreachable", "away"]


def test_a_success_without_failure_logs_nothing() -> None:
    log = Lines()
    seen = OutageReporter(log, clock=Clock())
    seen.record_success("the queue")
    seen.end("the queue")
    assert log.lines == []


def test_an_unreachable_database_is_reported() -> None:
    engine = open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OperationalError), read_connection(engine):
        pass
    assert outages.is_ongoing(DATABASE)


def test_a_read_only_database_is_an_outage_of_writes(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'full.db'}")
    with write_session(engine) as session:
        session.execute(text("CREATE TABLE t (x)"))
        session.execute(text("PRAGMA max_page_count=3"))
    with pytest.raises(OperationalError, match="full"), write_session(engine) as session:
        session.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    assert outages.is_ongoing(DATABASE_WRITES)
    assert not outages.is_ongoing(DATABASE)


def test_invalid_sql_is_no_outage(engine: Engine) -> None:
    with pytest.raises(Exception, match="nowhere"), read_connection(engine) as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert not outages.is_ongoing(DATABASE)
    assert not outages.is_ongoing(DATABASE_WRITES)


def test_an_unreachable_queue_is_reported() -> None:
    with pytest.raises(TryLater):
        open_queue("redis://127.0.0.1:1").ping()
    assert outages.is_ongoing(QUEUE)


SCRIPT = """
import logging, threading
from core.logs import configure_logs, get_logger
from core.outage import QUEUE, outages
configure_logs(as_json=True, process="worker")
outages.record_failure(QUEUE, "away")
logging.getLogger("rq.worker").error("from a library")
threading.Thread(target=lambda: 1 / 0).start()
raise ValueError("the end")
"""


def test_json_lines_name_their_logger_and_nothing_else_is_written() -> None:
    environment = child_environment()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "outage: the queue", "from a library", "a thread ended by an error", "ended by an error",
    ]  # fmt: skip
    assert {line["process"] for line in lines} == {"worker"}
    assert all(line["pid"] and line["logger"] and "version" in line for line in lines)
    assert "ZeroDivisionError" in lines[2]["exception"]
    assert "ValueError: the end" in lines[3]["exception"]
    assert done.stdout == ""


def test_a_command_without_log_setup_logs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    environment = child_environment()
    script = "from core.outage import outages; outages.record_failure('it', 'away'); outages.end('it')"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
