"""An outage is one line when it begins and one when it is over, however many calls fail in between."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core.database import open_database, reading, transaction
from core.errors import TryLater
from core.outage import DATABASE, DATABASE_WRITES, QUEUE, Outages, outages
from core.queue import open_queue
from tests.support.children import child_environment


@dataclass
class Lines:
    """A log that keeps its lines."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def warning(self, event: str, /, **values: object) -> None:
        self.lines.append((event, values))


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_many_failures_are_one_line_and_the_end_tells_their_number_and_how_long_it_took() -> None:
    log, clock = Lines(), Clock()
    seen = Outages(log, clock=clock)
    for _ in range(1000):
        seen.failed("the queue", "refused\nby  somebody")
        clock.seconds += 0.02
    clock.seconds += 30
    seen.works("the queue")
    clock.seconds += 10
    seen.works("the queue")
    seen.works("the queue")
    assert log.lines == [
        ("outage: the queue", {"reason": "refused by somebody"}),
        ("outage over: the queue", {"seconds": 50.0, "failures": 1000}),
    ]


def test_what_goes_on_and_off_within_seconds_is_one_outage() -> None:
    log, clock = Lines(), Clock()
    seen = Outages(log, clock=clock)
    for _ in range(100):
        seen.failed("writing", "disk full")
        clock.seconds += 1
        seen.works("writing")
    assert len(log.lines) == 1
    assert seen.ongoing("writing")


def test_each_subject_and_each_kind_of_failure_is_reported_by_itself() -> None:
    log = Lines()
    seen = Outages(log, clock=Clock())
    for kind in ("x_down", "x_unreachable", "x_down"):
        seen.failed("X", kind, kind=kind)
    seen.failed("the queue", "away")
    assert [values["reason"] for _, values in log.lines] == ["x_down", "x_unreachable", "away"]


def test_what_works_all_the_time_is_not_mentioned() -> None:
    log = Lines()
    seen = Outages(log, clock=Clock())
    seen.works("the queue")
    seen.over("the queue")
    assert log.lines == []


def test_whoever_uses_a_database_that_is_away_reports_it() -> None:
    engine = open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OperationalError), reading(engine):
        pass
    assert outages.ongoing(DATABASE)


def test_a_database_that_takes_no_writes_is_an_outage_of_writing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'full.db'}")
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE t (x)"))
        session.execute(text("PRAGMA max_page_count=3"))
    with pytest.raises(OperationalError, match="full"), transaction(engine) as session:
        session.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    assert outages.ongoing(DATABASE_WRITES)
    assert not outages.ongoing(DATABASE)


def test_wrong_sql_is_no_outage(engine: Engine) -> None:
    with pytest.raises(Exception, match="nowhere"), reading(engine) as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert not outages.ongoing(DATABASE)
    assert not outages.ongoing(DATABASE_WRITES)


def test_whoever_uses_a_queue_that_is_away_reports_it() -> None:
    with pytest.raises(TryLater):
        open_queue("redis://127.0.0.1:1").ping()
    assert outages.ongoing(QUEUE)


SCRIPT = """
import logging, threading
from core.logs import configure_logs, get_logger
from core.outage import QUEUE, outages
configure_logs(as_json=True, process="worker")
outages.failed(QUEUE, "away")
logging.getLogger("rq.worker").error("from a library")
threading.Thread(target=lambda: 1 / 0).start()
raise ValueError("the end")
"""


def test_json_lines_say_where_they_come_from_and_nothing_else_is_written() -> None:
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


def test_a_command_that_sets_up_no_log_writes_no_line(capfd: pytest.CaptureFixture[str]) -> None:
    environment = child_environment()
    script = "from core.outage import outages; outages.failed('it', 'away'); outages.over('it')"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
