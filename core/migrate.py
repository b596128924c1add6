"""Run database migrations in process with Alembic (3 ms if there is nothing to do).

Create a new migration with `threadpaint db revision "what changes"` after a change of `core/models`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from core.database import read_connection
from core.errors import NewerTables, SettingsError, WrongTables
from core.logs import get_logger

log = get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
# Key of PostgreSQL's advisory lock for migrations: an arbitrary number.
MIGRATION_LOCK = 0x7470_6D69


@dataclass(frozen=True)
class Migrated:
    """Result of `migrate`: the revisions before and after. `before` is None for a new database."""

    before: str | None
    after: str

    def __str__(self) -> str:
        if self.before == self.after:
            return f"the tables are up to date (revision {self.after}); nothing to do"
        return f"migrated the tables from {self.before or 'an empty database'} to revision {self.after}"


def migrate(engine: Engine, target: str = "") -> Migrated:
    """Bring the tables to revision `target`, by default to the newest one that this code knows.

    Concurrent calls wait for each other. Raises SettingsError if there is no database, if it is newer
    than this code, or if `target` is unknown.
    """
    _make_folder(engine)
    head = _newest()
    if target and target not in _known():
        raise SettingsError(f"--to {target}: no such revision; known are {min(_known())} to {head}")
    # An IMMEDIATE transaction: SQLite's second migration waits here for the first.
    writing = engine.execution_options(writes=True) if engine.dialect.name == "sqlite" else engine
    with _translate_errors(), writing.connect() as connection, _foreign_keys_off(connection), connection.begin():
        _wait_for_other_migrations(connection)
        before = _revision_of(connection)
        _require_known(before, head)
        if target and before and target < before:
            command.downgrade(_config(connection), target)
        else:
            command.upgrade(_config(connection), target or head)
        return Migrated(before, target or head)


def write_revision(engine: Engine, message: str) -> None:
    """Compare the models with the database and write the difference as a new migration."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=_next_number())


def check(engine: Engine) -> None:
    """Raise if the models and the migrated database differ."""
    with engine.begin() as connection:
        command.check(_config(connection))


def require_current(engine: Engine) -> None:
    """Raise WrongTables unless the tables are those this code was written for. Never creates a database."""
    _require_file(engine)
    with _translate_errors(), read_connection(engine) as connection:
        revision = _revision_of(connection)
    head = _newest()
    _require_known(revision, head)
    if revision != head:
        at = f"at revision {revision}" if revision else "empty"
        raise WrongTables(
            f"DATABASE_URL: the tables are not up to date: the database is {at}, this code needs {head}; "
            "run: threadpaint migrate"
        )


def wait_until_current(engine: Engine, seconds: float) -> None:
    """Wait up to `seconds` for a database that is still starting or being migrated, then raise as `require_current`.

    All processes of an instance start at the same time after a power cut or a deployment.
    """
    deadline, reason = time.monotonic() + seconds, ""
    while True:
        try:
            return require_current(engine)
        except NewerTables:
            raise  # waiting does not help
        except SettingsError as error:
            if time.monotonic() >= deadline:
                raise
            if str(error) != reason:
                log.warning("waiting for the database", reason=str(error))
            reason = str(error)
        time.sleep(0.5)


@cache  # importing all migrations takes 60 ms, and they belong to this version of the code
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _newest() -> str:
    head = _scripts().get_current_head()
    assert head  # noqa: S101  # there are migrations
    return head


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _require_known(revision: str | None, head: str) -> None:
    if revision and revision not in _known():
        raise NewerTables(
            f"DATABASE_URL: revision {revision} is newer than this code, which knows up to {head}. Run the newer "
            f"version again, or go back with it first: threadpaint migrate --to {head}"
        )


def _sqlite_file(engine: Engine) -> Path | None:
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(name) if name and name != ":memory:" else None


def _make_folder(engine: Engine) -> None:
    if file := _sqlite_file(engine):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"DATA_DIR: cannot make {file.parent} ({error.strerror})") from None


def _require_file(engine: Engine) -> None:
    """Raise WrongTables if the SQLite file is missing. SQLite would create an empty one in the wrong folder."""
    file = _sqlite_file(engine)
    if file and not file.exists():
        raise WrongTables(
            f"no instance found: there is no database {file}. Run this in the instance's folder, or name its settings "
            "(ENV_FILE=/srv/threadpaint/.env); for a new instance run: threadpaint migrate"
        )


def _wait_for_other_migrations(connection: Connection) -> None:
    """Wait for the migration lock, which is held until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Turn off SQLite's foreign keys: SQLite changes a table by copying it and dropping the old one.

    The switch works only outside of a transaction, so it is set on the driver before one starts.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")
        driver.close()


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise SettingsError(f"DATABASE_URL: the database does not answer: {reason}") from error


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _next_number() -> str:
    return f"{len(list((MIGRATIONS / 'versions').glob('*.py'))) + 1:04d}"
