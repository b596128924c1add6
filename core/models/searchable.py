"""Where words are found: an index of its own kind in each database, which no model can describe. Knows no creation.

SQLite: an FTS5 table, its rowid the creation's id; of its tokenizers the one that only parts at spaces, for the words
come parted (`core/searching.py`). PostgreSQL: a tsvector with a GIN index. `core/migrations/env.py` leaves both alone.
"""

from sqlalchemy import DDL, event
from sqlmodel import SQLModel

NAME = "searchable"
MAKING = {
    "sqlite": (f"CREATE VIRTUAL TABLE IF NOT EXISTS {NAME} USING fts5(words, tokenize='ascii', prefix='2 3')",),
    "postgresql": (
        f"CREATE TABLE IF NOT EXISTS {NAME} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
        f"CREATE INDEX IF NOT EXISTS ix_{NAME}_words ON {NAME} USING GIN (words)",
    ),
}

# Tables that are made at once, as tests do, rather than step by step.
for dialect, statements in MAKING.items():
    for statement in statements:
        making = DDL(statement)  # type: ignore[no-untyped-call]
        event.listen(SQLModel.metadata, "after_create", making.execute_if(dialect=dialect))
dropping = DDL(f"DROP TABLE IF EXISTS {NAME}")  # type: ignore[no-untyped-call]
event.listen(SQLModel.metadata, "before_drop", dropping)
