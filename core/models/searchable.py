"""Where words are found: an index of its own kind in each database, which no model can describe. Knows no creation.

One holds the words of prompts, one the names of people. SQLite: an FTS5 table, its rowid the id of a creation or a
person; of its tokenizers the one that only parts at spaces, for the words come parted (`core/searching.py`).
PostgreSQL: a tsvector with a GIN index. `core/migrations/env.py` leaves both alone.
"""

import sqlite3

from sqlalchemy import DDL, event
from sqlmodel import SQLModel

# core/migrations/env.py leaves alone whatever begins with this.
NAME = "searchable"
PEOPLE = f"{NAME}_person"


# FTS5 marks what is deleted, and keeps it until segments are merged; with this it is removed at once.
OVERWRITES = sqlite3.sqlite_version_info >= (3, 42)


def overwriting(name: str) -> tuple[str, ...]:
    """What makes an index of SQLite forget what is deleted from it; nothing if this SQLite is too old for it."""
    statement = f"INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1)"  # noqa: S608  # our own names
    return (statement,) if OVERWRITES else ()


def _making(name: str) -> dict[str, tuple[str, ...]]:
    return {
        "sqlite": (
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(words, tokenize='ascii', prefix='2 3')",
            *overwriting(name),
        ),
        "postgresql": (
            f"CREATE TABLE IF NOT EXISTS {name} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
            f"CREATE INDEX IF NOT EXISTS ix_{name}_words ON {name} USING GIN (words)",
        ),
    }


MAKING = _making(NAME)
MAKING_PEOPLE = _making(PEOPLE)

# Tables that are made at once, as tests do, rather than step by step.
for each in (MAKING, MAKING_PEOPLE):
    for dialect, statements in each.items():
        for statement in statements:
            making = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(SQLModel.metadata, "after_create", making.execute_if(dialect=dialect))
for name in (NAME, PEOPLE):
    dropping = DDL(f"DROP TABLE IF EXISTS {name}")  # type: ignore[no-untyped-call]
    event.listen(SQLModel.metadata, "before_drop", dropping)
