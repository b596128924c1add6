"""A backup of all rows, and its restoration, for tests within one process."""

from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from core.database import reading, transaction

Backup = dict[str, list[dict[str, Any]]]


def back_up(engine: Engine) -> Backup:
    """Every row of every table."""
    with reading(engine) as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in SQLModel.metadata.sorted_tables
        }


def restore(engine: Engine, backup: Backup) -> None:
    """The database as it was. (What tells the next ids goes on in PostgreSQL, unlike in a restored dump.)"""
    tables = SQLModel.metadata.sorted_tables
    with transaction(engine) as session:
        for table in reversed(tables):
            session.execute(table.delete())
        for table in tables:
            if rows := backup[table.name]:
                session.execute(table.insert(), rows)
