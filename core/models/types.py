"""Define shared column types: naming convention, ids, times in UTC, partial indexes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypedDict

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Table, TextClause, TypeDecorator, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION

# SQLite auto-increments only INTEGER columns; PostgreSQL gets 64 bits.
OwnId = BigInteger().with_variant(Integer(), "sqlite")


class SqliteTime(sqlite.DATETIME):
    """A stored time, read as UTC. A page reads hundreds: SQLAlchemy's own parser takes five times as long."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None]:
        """Return the function that reads a value."""
        return _parse_utc


def _parse_utc(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite does not store the zone, so remove it on write and add it on read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Return the type that stores it in this database."""
        sqlite_time: Callable[[], TypeEngine[datetime]] = SqliteTime
        return sqlite_time() if dialect.name == "sqlite" else super().load_dialect_impl(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as the database stores it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time as aware UTC."""
        return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class PartialIndex(TypedDict):
    """Arguments for an index of some rows."""

    sqlite_where: TextClause
    postgresql_where: TextClause


def partial_index(condition: TextClause) -> PartialIndex:
    """Return arguments for an index of some rows, for both databases."""
    return {"sqlite_where": condition, "postgresql_where": condition}


def not_null_index(column: str) -> PartialIndex:
    """Return arguments for an index of the rows in which the column is set.

    For columns that are mostly empty: SQLite's statistics make a full index look useless, and it reads the table.
    """
    return partial_index(text(f"{column} IS NOT NULL"))


def table(name: str) -> Table:
    """Return the Core table of a model."""
    return SQLModel.metadata.tables[name]
