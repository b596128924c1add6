"""Brings the tables up to date, in process: 3 ms when nothing is to do. Alembic keeps the history.

A new step is written with `python -m core revision "what changes"` after a change of `core/models`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from core.database import reading
from core.errors import SettingsError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Apply every migration that the database lacks. Raises SettingsError when there is no database."""
    with _answering(), engine.connect() as connection, _tables_may_be_copied(connection), connection.begin():
        command.upgrade(_config(connection), "head")


def write_revision(engine: Engine, message: str) -> None:
    """Compare the models with the database and write the difference as a new migration."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=_next_number())


def check(engine: Engine) -> None:
    """Raise if the models and the migrated database differ."""
    with engine.begin() as connection:
        command.check(_config(connection))


def require_current(engine: Engine) -> None:
    """Raise SettingsError unless the tables are those this code was written for."""
    script = ScriptDirectory(str(MIGRATIONS))
    with _answering(), reading(engine) as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision != script.get_current_head():
        raise SettingsError("DATABASE_URL: the tables are not up to date; run: python -m core migrate")


@contextmanager
def _tables_may_be_copied(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying it and dropping the old one, which its foreign keys would not allow.

    It heeds this switch outside of a transaction only; so the driver is told, before one begins.
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
def _answering() -> Iterator[None]:
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
