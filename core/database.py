"""Open the database, and use it: `write_session()` to write, `read_connection()` to read.

SQLite writers start with BEGIN IMMEDIATE. With the driver's own transactions, writers that read first lose updates
(measured: 234 of 6,000).
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    ExceptionContext,
    Table,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlmodel import Session

from core.clock import now
from core.errors import SettingsError
from core.outage import DATABASE, DATABASE_WRITES, outages

ANALYSIS_LIMIT = 400  # rows per index, as SQLite's documentation recommends
MIN_ANALYZED_ROWS = 10_000
FORGET_SMALL_TABLES = (
    "DELETE FROM sqlite_stat1 WHERE tbl IN"
    " (SELECT tbl FROM sqlite_stat1 GROUP BY tbl HAVING max(CAST(stat AS INTEGER)) < ?)"
)
EXAMPLE = "for example postgresql://user:secret@db.example/threadpaint (needs the extra `postgres`)"
BUSY_TIMEOUT = 10_000  # milliseconds
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # Under WAL, NORMAL survives kill -9; after a power cut the last commits may be gone, never the file.
    # The poller reads back over its overlap, so what a power cut takes is read from X again.
    "PRAGMA synchronous=NORMAL",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT}",
    "PRAGMA foreign_keys=ON",
    # Overwrite deleted data, even if this SQLite was compiled without that default.
    "PRAGMA secure_delete=ON",
    # 32 MiB of cached pages. With SQLite's default of 2 MB, the page of a creation out of 100,000 took a third longer.
    "PRAGMA cache_size=-32768",
)
# SQLSTATE codes of PostgreSQL.
DEADLOCK_DETECTED = "40P01"
# Busy or restarting: deadlock, serialization failure, lock timeout, too many connections, shutdown, startup.
BUSY_STATES = frozenset({DEADLOCK_DETECTED, "40001", "55P03", "53300", "57P01", "57P02", "57P03"})
# The same for SQLite: another program writes, another connection uses the table, the disk is full.
SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
MAX_ATTEMPTS = 4
# The disk is full, or the file or server is read-only: messages of SQLite, SQLSTATE classes of PostgreSQL.
CANNOT_WRITE = ("disk is full", "disk I/O error", "readonly database", "unable to open database file")
CANNOT_WRITE_STATES = ("53", "25006")
# A writer waits this long for others of the same process; then SQLite's busy_timeout applies.
WRITE_LOCK_TIMEOUT_SECONDS = 10

Params = ParamSpec("Params")
Result = TypeVar("Result")


def open_database(url: str) -> Engine:
    """Return an engine for `url`. It connects on first use and creates no folder. Raises SettingsError."""
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            return _open_sqlite(address)
        engine = create_engine(address, pool_pre_ping=True, pool_size=5, connect_args=_pooler_args(address))
    except (ArgumentError, ImportError, ValueError) as error:
        raise SettingsError(f"DATABASE_URL is wrong: {' '.join(str(error).split())}; {EXAMPLE}") from error
    event.listen(engine, "begin", _begin_postgres)
    return _report_outages(engine)


def _pooler_args(address: URL) -> dict[str, None]:
    """Turn off psycopg's prepared statements: behind a connection pooler, the next statement may use another server."""
    return {"prepare_threshold": None} if address.get_dialect().driver == "psycopg" else {}


def _open_sqlite(address: URL) -> Engine:
    pool: dict[str, Any] = {}
    if address.database and address.database != ":memory:":
        # The connection that was used last has the most cached pages.
        pool = {"pool_use_lifo": True}
    options = {"write_lock": Lock()}
    engine = create_engine(address, connect_args={"check_same_thread": False}, execution_options=options, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return _report_outages(engine)


def _report_outages(engine: Engine) -> Engine:
    """Report in this process when the database goes away and when it is back."""
    event.listen(engine, "handle_error", _note_failure)
    event.listen(engine, "checkout", lambda *_: outages.record_success(DATABASE))
    event.listen(engine, "commit", lambda _: outages.record_success(DATABASE_WRITES))
    return engine


def _note_failure(context: ExceptionContext) -> None:
    """Report a lost or refused connection, or a database that accepts no writes. Locks are no outage."""
    error = context.original_exception
    if context.is_pre_ping:
        return  # the pool replaces an old connection
    if context.is_disconnect or (context.connection is None and isinstance(context.sqlalchemy_exception, DBAPIError)):
        outages.record_failure(DATABASE, error)
    elif (getattr(error, "sqlstate", None) or "").startswith(CANNOT_WRITE_STATES) or _is_sqlite_write_failure(error):
        outages.record_failure(DATABASE_WRITES, error)


def _is_sqlite_write_failure(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in CANNOT_WRITE)


@contextmanager
def write_session(engine: Engine) -> Iterator[Session]:
    """Yield a session that commits at the end and rolls back on any exception. The only way to write.

    SQLite has one writer at a time and lets the others poll with growing pauses. Within a process a lock wakes the next
    writer at once: with 8 concurrent writers, p99 fell from 40x to 2x the median.
    """
    with (
        _write_lock(engine),
        Session(engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def _write_lock(engine: Engine) -> Iterator[None]:
    lock: Lock | None = engine.get_execution_options().get("write_lock")
    acquired = lock is not None and lock.acquire(timeout=WRITE_LOCK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        if lock is not None and acquired:
            lock.release()


def retry_on_deadlock(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """Call the function again if PostgreSQL ended it to resolve a deadlock. For functions that are one transaction.

    Rows are locked in one order if they are known beforehand (`core/publishing.py`). They are not always: a user who is
    erased may get a follower at that moment.
    """

    @wraps(function)
    def wrapper(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != DEADLOCK_DETECTED:
                    raise
        return function(*args, **kwargs)

    return wrapper


def is_busy(error: BaseException) -> bool:
    """Return whether the database is locked or away: the same operation may succeed later."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in SQLITE_BUSY
    state = getattr(error.orig, "sqlstate", None)
    # Without a SQLSTATE it never reached the server.
    lost = error.connection_invalidated or (state is None and isinstance(error, OperationalError))
    return lost or state in BUSY_STATES or str(state or "").startswith("08")


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """Yield a connection for reads: one consistent snapshot, no locks."""
    with engine.connect() as connection:
        yield connection


def empty_wal(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, where deleted data is readable until it is overwritten.

    Skipped while other connections read; the next call does it. Does nothing on other databases.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=100")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    finally:
        connection.close()


def update_statistics(engine: Engine) -> None:
    """Refresh the statistics of SQLite's query planner. PostgreSQL's autovacuum does it by itself.

    It reads a few hundred rows of each index, so writers wait 0.15 s with a million creations. Statistics of small
    tables are dropped: a connection reads them once, and while the table grows it would still read it whole. Not
    `PRAGMA optimize`: before SQLite 3.46 it skips all tables that this connection has not queried.
    """
    if engine.dialect.name != "sqlite":
        return
    with write_session(engine) as session:
        session.connection().exec_driver_sql(f"PRAGMA analysis_limit={ANALYSIS_LIMIT}")
        session.connection().exec_driver_sql("ANALYZE")
        session.connection().exec_driver_sql(FORGET_SMALL_TABLES, (MIN_ANALYZED_ROWS,))


def database_now(connection: Connection) -> datetime:
    """Return the database server's time, the one clock that all processes share. With SQLite they share a machine.

    Leases are compared between machines: a machine whose clock is wrong must not consider another's lease expired.
    """
    if connection.dialect.name == "sqlite":
        return now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def without_index(column: ColumnElement[Result]) -> ColumnElement[Result]:
    """Return the column as an expression for which SQLite uses no index.

    Without statistics, SQLite takes an index of `deleted_at IS NULL` or of an owner for shorter than a list of ids, and
    reads nearly all rows.
    """
    return func.coalesce(column, column)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT with `on_conflict_do_nothing()`, which SQLAlchemy offers per dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_if_absent(session: Session, table: Table, **values: Any) -> bool:
    """Insert a row unless one with the same key exists. Return whether it is new: only then may it be counted."""
    connection = session.connection()
    stmt = insert_into(connection, table).values(**values).on_conflict_do_nothing()
    # Drivers disagree on the row count of a skipped row, so ask for the row.
    return connection.execute(stmt.returning(*table.primary_key)).first() is not None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # _begin_sqlite sends BEGIN itself
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Sent through the driver, without SQLAlchemy's overhead: every page view does this.
        connection.connection.cursor().execute("BEGIN")


def _begin_postgres(connection: Connection) -> None:
    """Limit waits for a row lock to SQLite's busy_timeout. Local to the transaction, as a connection pooler needs."""
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
