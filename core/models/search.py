"""Define the search indexes: one of the words of prompts, one of people's names. No SQLModel class can describe them.

SQLite: an FTS5 table whose rowid is the id of a creation or a person. Its tokenizer splits at spaces only, because
`core/search_index.py` has split the words already. PostgreSQL: a tsvector with a GIN index.
"""

import sqlite3

from sqlalchemy import DDL, event
from sqlmodel import SQLModel

# core/migrations/env.py ignores tables whose names begin with this.
SEARCH_INDEX_TABLE = "searchable"
PEOPLE_SEARCH_INDEX_TABLE = f"{SEARCH_INDEX_TABLE}_person"
# FTS5 finds prefixes of these lengths by an index, newest rows first. Longer ones it would collect from all rows.
MIN_PREFIX_LENGTH, MAX_PREFIX_LENGTH = 2, 8
PREFIX_LENGTHS = " ".join(str(length) for length in range(MIN_PREFIX_LENGTH, MAX_PREFIX_LENGTH + 1))

# FTS5 marks deleted words and keeps them until it merges segments. With `secure-delete` it removes them at once.
HAS_SECURE_DELETE = sqlite3.sqlite_version_info >= (3, 42)


def secure_delete_statements(name: str) -> tuple[str, ...]:
    """Return statements that make FTS5 remove deleted words at once; none if this SQLite is too old."""
    statement = f"INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1)"  # noqa: S608  # our own names
    return (statement,) if HAS_SECURE_DELETE else ()


def _create_statements(name: str) -> dict[str, tuple[str, ...]]:
    return {
        "sqlite": (
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(words, tokenize='ascii', prefix='{PREFIX_LENGTHS}')",
            *secure_delete_statements(name),
        ),
        "postgresql": (
            f"CREATE TABLE IF NOT EXISTS {name} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
            f"CREATE INDEX IF NOT EXISTS ix_{name}_words ON {name} USING GIN (words)",
        ),
    }


CREATE_SEARCH_INDEX = _create_statements(SEARCH_INDEX_TABLE)
CREATE_PEOPLE_SEARCH_INDEX = _create_statements(PEOPLE_SEARCH_INDEX_TABLE)

# Tests create all tables from the metadata, without migrations.
for create_statements in (CREATE_SEARCH_INDEX, CREATE_PEOPLE_SEARCH_INDEX):
    for dialect, statements in create_statements.items():
        for statement in statements:
            create = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(SQLModel.metadata, "after_create", create.execute_if(dialect=dialect))
for name in (SEARCH_INDEX_TABLE, PEOPLE_SEARCH_INDEX_TABLE):
    drop = DDL(f"DROP TABLE IF EXISTS {name}")  # type: ignore[no-untyped-call]
    event.listen(SQLModel.metadata, "before_drop", drop)
