"""Find statements that read a growing table whole, or walk along most of an index, on a filled SQLite database.

Each is explained and run (and rolled back), without and with statistics of the tables.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from core.database import open_database
from core.migrate import migrate
from tests.bench.gallery_rows import FIRST_PERSON, fill
from tests.support.statement_log import Recorded

ROWS = 10_000
# Steps of SQLite's virtual machine. Reading a table takes at least three for each row, a page of results 5,000.
MAX_STEPS_PER_ROW, STEPS_PER_CALL = 2, 500
SMALL_TABLES = (
    "alembic_version", "announcement_post", "cursor", "instance", "lease", "poller", "sqlite_stat1",
    "watched_post",
    "daily_spend",  # a few rows a day
    "earlier_reply",  # rows of restored backups
)  # fmt: skip
SCAN = re.compile(r"^SCAN (\w+)$", re.MULTILINE)
SUBQUERY = re.compile(r"^(?:CO-ROUTINE|MATERIALIZE) (\w+)", re.MULTILINE)
# Rows for tables that `fill` leaves empty: their columns, made of those of each creation.
DATED = {"created_at": "created_at"}
MORE_ROWS = {
    "person": {
        "id": f"{2 * FIRST_PERSON} + id", "username": "'u' || id", "handle": "'u' || id", "name": "'User'",
        "first_seen_at": "created_at",
    },
    "searchable_person": {"rowid": f"{2 * FIRST_PERSON} + id", "words": "'u' || id"},
    "login_session": {
        "person_id": f"{2 * FIRST_PERSON} + id", "digest": "'d' || id", "browser": "''", "seen_at": "created_at",
        "expires_at": "created_at", **DATED,
    },
    "ledger": {
        "key": "id", "day": "substr(created_at, 1, 10)", "item": "'post'", "micro_usd": "1", "creation_id": "id",
        "person_id": "person_id", "at": "created_at",
    },
    "notification": {
        "person_id": "person_id", "kind": "'painted'", "key": "id", "creation_id": "id", "at": "created_at",
    },
    "report": {
        "key": "id", "creation_id": "id", "reason": "'other'", "words": "''", "at": "created_at",
        "handled_at": "created_at",
    },
    "board": {
        "id": "id", "person_id": "person_id", "name": "'b' || id", "title": "''", "about": "''", "public": "1",
        "size": "1", "changed_at": "created_at", **DATED,
    },
    "board_member": {"board_id": "id", "person_id": f"{2 * FIRST_PERSON} + id", "at": "created_at"},
    "mute": {"person_id": f"{2 * FIRST_PERSON} + id", "topic": "'t' || id", "at": "created_at"},
    "board_item": {"board_id": "id", "creation_id": "id", "at": "created_at"},
}  # fmt: skip


class Finding(NamedTuple):
    """A statement that reads too much, with its plan."""

    recorded: Recorded
    statistics: str
    reason: str
    plan: str

    def __str__(self) -> str:
        statement = " ".join(self.recorded.statement.split())[:1500]
        return f"{self.recorded.origin}: {self.reason}, {self.statistics}\n  {statement}\n{self.plan}"


def find_unbounded(statements: Iterable[Recorded], folder: Path, rows: int = ROWS) -> Iterator[Finding]:
    """Yield what is wrong with these statements of SQLite. `folder`: for databases with `rows` rows per table."""
    sqlite = [recorded for recorded in statements if recorded.dialect == "sqlite"]
    for statistics, path in _fill_databases(folder, rows).items():
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            for recorded in sqlite:
                if finding := _check(connection, recorded, statistics, MAX_STEPS_PER_ROW * rows):
                    yield finding


def _fill_databases(folder: Path, rows: int) -> dict[str, Path]:
    """Return databases with the same rows, by what the planner knows of them."""
    with_statistics, without = folder / "with.db", folder / "without.db"
    _fill(with_statistics, rows)
    shutil.copy(with_statistics, without)
    with closing(sqlite3.connect(without)) as connection, connection:
        connection.execute("DELETE FROM sqlite_stat1")
    return {"without statistics": without, "with statistics": with_statistics}


def _fill(path: Path, rows: int) -> None:
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    fill(engine, rows, members=20)
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, columns in MORE_ROWS.items():
            names, values = ", ".join(columns), ", ".join(columns.values())
            connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM creation")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check(connection: sqlite3.Connection, recorded: Recorded, statistics: str, max_steps: int) -> Finding | None:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {recorded.statement}", recorded.parameters)
    plan = "\n".join(str(row[-1]) for row in rows)
    if tables := _find_scanned(plan, recorded.statement):
        return Finding(recorded, statistics, f"reads all of {', '.join(sorted(tables))}", plan)
    if _count_steps(connection, recorded, max_steps) > max_steps:
        return Finding(recorded, statistics, f"takes more than {max_steps:,} steps", plan)
    return None


def _find_scanned(plan: str, statement: str) -> set[str]:
    """Return the tables, or their aliases, that a plan reads from end to end. With a LIMIT it may stop early."""
    return set() if "LIMIT" in statement else set(SCAN.findall(plan)).difference(SMALL_TABLES, SUBQUERY.findall(plan))


def _count_steps(connection: sqlite3.Connection, recorded: Recorded, max_steps: int) -> int:
    """Run a statement, at most a few steps too long, and undo what it did."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += STEPS_PER_CALL
        return steps > max_steps

    connection.execute("BEGIN")
    connection.set_progress_handler(count, STEPS_PER_CALL)
    with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):  # values of another database; too many steps
        connection.execute(recorded.statement, recorded.parameters).fetchall()
    connection.set_progress_handler(None, 0)
    connection.rollback()
    return steps
