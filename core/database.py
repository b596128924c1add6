"""Opens the database and holds the two ways to use it: `transaction()` to write, `reading()` to read.

SQLite's writers begin with BEGIN IMMEDIATE: with the driver's own transactions, two writers that both read first lose
updates (measured: 234 of 6,000). Knows no table.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlmodel import Session

from core.clock import now
from core.errors import SettingsError
from core.outage import DATABASE, DATABASE_WRITES, outages

EXAMPLE = "for example postgresql://user:secret@db.example/threadpaint (needs the extra `postgres`)"
BUSY_TIMEOUT = 10_000  # milliseconds
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # Under WAL, NORMAL survives kill -9; after a power cut the last commits may be gone, never the file.
    # The poller reads back over its overlap, so what a power cut takes is read from X again.
    "PRAGMA synchronous=NORMAL",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT}",
    "PRAGMA foreign_keys=ON",
    # What is deleted is overwritten, whatever this SQLite was compiled with.
    "PRAGMA secure_delete=ON",
    # 32 MiB of pages at hand, as far as they are read. With SQLite's own 2 MB, a page of a creation out of 100,000 took
    # a third longer: what one asks for is seldom what another just read.
    "PRAGMA cache_size=-32768",
)
# PostgreSQL's word for writers who wait for each other in a circle: it ends one of them, and none is to blame.
CIRCLE = "40P01"
# Others are in the way, or the server goes or comes: a circle, a serialization failure, a lock that is not given up,
# too many connections, a shutdown, a start.
BUSY = frozenset({CIRCLE, "40001", "55P03", "53300", "57P01", "57P02", "57P03"})
# The same of SQLite: another program writes, another connection reads or writes, the disk is full.
SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
TRIES = 4
# No room on the disk, or the file or the server takes no writes: SQLite's words, and PostgreSQL's classes of errors.
CANNOT_WRITE = ("disk is full", "disk I/O error", "readonly database", "unable to open database file")
CANNOT_WRITE_STATES = ("53", "25006")
# Seconds that a writer waits for others of the same process; then SQLite's own patience begins.
PATIENCE = 10

Given = ParamSpec("Given")
Result = TypeVar("Result")


def open_database(url: str) -> Engine:
    """An engine for `url`; connects on first use only and makes no folder. Raises SettingsError."""
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            return _open_sqlite(address)
        engine = create_engine(address, pool_pre_ping=True, pool_size=5, connect_args=_for_poolers(address))
    except (ArgumentError, ImportError, ValueError) as error:
        raise SettingsError(f"DATABASE_URL is wrong: {' '.join(str(error).split())}; {EXAMPLE}") from error
    event.listen(engine, "begin", _begin_postgres)
    return _watched(engine)


def _for_poolers(address: URL) -> dict[str, Any]:
    """psycopg prepares what it asks often, on the server; behind a pooler the next question meets another one."""
    return {"prepare_threshold": None} if address.get_dialect().driver == "psycopg" else {}


def _open_sqlite(address: URL) -> Engine:
    pool: dict[str, Any] = {}
    if address.database and address.database != ":memory:":
        # The connection used last has the most pages at hand.
        pool = {"pool_use_lifo": True}
    options = {"turn": Lock()}
    engine = create_engine(address, connect_args={"check_same_thread": False}, execution_options=options, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return _watched(engine)


def _watched(engine: Engine) -> Engine:
    """Let this process report when the database is away and when it is back, whoever uses the engine."""
    event.listen(engine, "handle_error", _note_failure)
    event.listen(engine, "checkout", lambda *_: outages.works(DATABASE))
    event.listen(engine, "commit", lambda _: outages.works(DATABASE_WRITES))
    return engine


def _note_failure(context: ExceptionContext) -> None:
    """A connection that cannot be made or breaks, or a database that takes no writes. Locks are no outage."""
    error = context.original_exception
    if context.is_pre_ping:
        return  # an old connection is replaced without anybody noticing
    if context.is_disconnect or (context.connection is None and isinstance(context.sqlalchemy_exception, DBAPIError)):
        outages.failed(DATABASE, error)
    elif (getattr(error, "sqlstate", None) or "").startswith(CANNOT_WRITE_STATES) or _is_refused_by_sqlite(error):
        outages.failed(DATABASE_WRITES, error)


def _is_refused_by_sqlite(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and any(words in str(error) for words in CANNOT_WRITE)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end and rolls back on any exception. The only way this house writes.

    SQLite lets one write at a time, and lets the others look again after ever longer pauses; within a process they
    are told when it is their turn (8 who like at once: the slowest of a hundred waited 40 times as long as the middling
    one, now twice).
    """
    with (
        _turn(engine),
        Session(engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    turn: Lock | None = engine.get_execution_options().get("turn")
    is_ours = turn is not None and turn.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if turn is not None and is_ours:
            turn.release()


def unlocked(doing: Callable[Given, Result]) -> Callable[Given, Result]:
    """Do it again where PostgreSQL ended it to break a circle. For what is one transaction and nothing besides.

    Rows are held in one order where that can be known beforehand (`core/visibility.py`); it cannot always be: who
    leaves may be followed at that moment.
    """

    @wraps(doing)
    def done(*args: Given.args, **named: Given.kwargs) -> Result:
        for _ in range(TRIES - 1):
            try:
                return doing(*args, **named)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != CIRCLE:
                    raise
        return doing(*args, **named)

    return done


def is_busy(error: BaseException) -> bool:
    """Whether the database is held by others or away: nothing is wrong with what was done, and it may be done again."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in SQLITE_BUSY
    state = getattr(error.orig, "sqlstate", None)
    # Without a state it never came to the server.
    lost = error.connection_invalidated or (state is None and isinstance(error, OperationalError))
    return lost or state in BUSY or str(state or "").startswith("08")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reads: one consistent view, no lock."""
    with engine.connect() as connection:
        yield connection


def empty_wal(engine: Engine) -> None:
    """Make SQLite's log empty, for what was deleted can be read there until it is overwritten. Skipped while others
    read: the next time is soon enough. Does nothing on other databases."""
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


def shared_now(connection: Connection) -> datetime:
    """Now, by the one clock that all who use this database share: its server's. SQLite's users share a machine.

    Claims are compared between machines: one whose clock is wrong must not think that another's has run out.
    """
    if connection.dialect.name == "sqlite":
        return now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing()`: the same words in both databases, from two places."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def insert_new(session: Session, table: Table, **values: Any) -> bool:
    """Write a row unless one of the same key is there. Returns whether it is new: only then is it counted."""
    connection = session.connection()
    statement = insert_into(connection, table).values(**values).on_conflict_do_nothing()
    # By what comes back: drivers do not agree on the count of a row that was left out.
    return connection.execute(statement.returning(*table.primary_key)).first() is not None


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Said to the driver itself: it cannot fail, and each page says it.
        connection.connection.cursor().execute("BEGIN")


def _begin_postgres(connection: Connection) -> None:
    """Nobody waits for a row longer than SQLite's busy_timeout lets anybody wait for the file.

    Local to the transaction, so that it is right behind a connection pooler too.
    """
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
