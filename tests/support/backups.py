"""A backup of all rows, and its restoration, for tests within one process."""

from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from core.database import read_connection, write_session

Backup = dict[str, list[dict[str, Any]]]


def back_up(engine: Engine) -> Backup:
    """Return every row of every table."""
    with read_connection(engine) as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in SQLModel.metadata.sorted_tables
        }


def restore(engine: Engine, backup: Backup) -> None:
    """Replace all rows. (Sequences of PostgreSQL stay as they are, unlike after restoring a dump.)"""
    tables = SQLModel.metadata.sorted_tables
    with write_session(engine) as session:
        for table in reversed(tables):
            session.execute(table.delete())
        for table in tables:
            if rows := backup[table.name]:
                session.execute(table.insert(), rows)
