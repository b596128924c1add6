"""Provide empty databases. Tables are created once per run; a test gets a copied file or an emptied schema."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url, text
from sqlalchemy.util import LRUCache

from core.database import open_database

CreateTables = Callable[[Engine], object]

# Every column of every table and index: a test that changed the schema changes this text.
FINGERPRINT = text(
    "SELECT md5(string_agg(relname || attname || atttypid, ',' ORDER BY relname, attnum))"
    " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE relnamespace = 'public'::regnamespace AND attnum > 0"
)
TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
SEQUENCES = text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")


class CompiledStatements:
    """What SQLAlchemy compiled for one engine, for all engines on the same kind of database.

    Each engine has a dialect and a cache of its own. With an engine per test, compiling the same statements took a
    quarter of the time of the gallery's tests.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect, self.cache = engine.dialect, LRUCache[Any, Any](1000)

    def share(self, engine: Engine) -> None:
        """Let an engine that is not connected yet use the statements."""
        engine.dialect = self.dialect  # part of the cache's keys
        engine.update_execution_options(compiled_cache=self.cache)


class SqliteTemplate:
    """A SQLite file with all tables, copied for each test."""

    def __init__(self, folder: Path, create_tables: CreateTables) -> None:
        self.path = folder / "template.db"
        engine = open_database(f"sqlite:///{self.path}")
        create_tables(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        self.statements = CompiledStatements(engine)

    @contextmanager
    def open_copy(self, folder: Path) -> Iterator[Engine]:
        """Yield an engine on a copy of the template in `folder`."""
        path = folder / "threadpaint.db"
        shutil.copy(self.path, path)
        engine = open_database(f"sqlite:///{path}")
        self.statements.share(engine)
        yield engine
        engine.dispose()


class PostgresTemplate:
    """A PostgreSQL database with all tables, emptied by DELETE for each test: 15 times faster than creating them."""

    def __init__(self, server_url: str, name: str, create_tables: CreateTables) -> None:
        self.create_tables = create_tables
        self.url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
        with open_database(server_url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            connection.engine.dispose()
            self.statements = CompiledStatements(connection.engine)
        self.fingerprint = self.clean_up = ""

    @contextmanager
    def open_empty(self) -> Iterator[Engine]:
        """Yield an engine on the emptied database. Create the tables first, or again if a test changed them."""
        engine = open_database(self.url)
        self.statements.share(engine)
        if not self.fingerprint or self._read_fingerprint(engine) != self.fingerprint:
            self._create(engine)
        else:
            with engine.begin() as connection:
                connection.exec_driver_sql(self.clean_up)
        yield engine
        engine.dispose()

    def _create(self, engine: Engine) -> None:
        reset_schema(engine)
        self.create_tables(engine)
        self.fingerprint = self._read_fingerprint(engine)
        with engine.connect() as connection:
            tables = connection.execute(TABLES).scalars().all()
            sequences = connection.execute(SEQUENCES).scalars().all()
        # `replica` switches the foreign keys off, so that the order of the tables does not matter.
        deletes = [f'DELETE FROM "{name}"' for name in tables]
        resets = [f"SELECT setval('\"{name}\"', 1, false)" for name in sequences]
        self.clean_up = "; ".join(["SET LOCAL session_replication_role = replica", *deletes, *resets])

    def _read_fingerprint(self, engine: Engine) -> str:
        with engine.connect() as connection:
            return str(connection.execute(FINGERPRINT).scalar_one())


class PostgresCopies:
    """Copies of a PostgreSQL database with these tables, one for each caller. A copy takes 0.1 s."""

    def __init__(self, server_url: str, name: str, create_tables: CreateTables) -> None:
        self.server_url, self.name = server_url, name
        self._run(f"CREATE DATABASE {name}")
        engine = open_database(self._url_of(name))
        create_tables(engine)
        engine.dispose()

    @contextmanager
    def open_copy(self) -> Iterator[Engine]:
        """Yield an engine on a copy, and drop the copy at the end."""
        copy = f"{self.name}_copy"
        self._run(f"CREATE DATABASE {copy} TEMPLATE {self.name} STRATEGY file_copy")
        engine = open_database(self._url_of(copy))
        yield engine
        engine.dispose()
        self._run(f"DROP DATABASE {copy} WITH (FORCE)")

    def _url_of(self, name: str) -> str:
        return make_url(self.server_url).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = open_database(self.server_url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()


def reset_schema(engine: Engine) -> None:
    """Drop everything in a PostgreSQL database."""
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
