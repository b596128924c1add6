"""Search index of display names and handles. Words are tokenized like those of prompts (`core/search_index.py`)."""

from sqlalchemy import Connection, text
from sqlmodel import Session

from core.search_index import Terms, index_row, match_expression

FIND = {
    "sqlite": text(
        "SELECT rowid FROM searchable_person WHERE searchable_person MATCH :query ORDER BY rowid DESC LIMIT :limit"
    ),
    # Rows are matched before they are sorted, as in `core/search_index.py`.
    "postgresql": text(
        "WITH matches AS MATERIALIZED (SELECT id FROM searchable_person WHERE words @@ CAST(:query AS tsquery))"
        " SELECT id FROM matches ORDER BY id DESC LIMIT :limit"
    ),
}
ADD = {
    "sqlite": text("INSERT OR REPLACE INTO searchable_person (rowid, words) VALUES (:id, :words)"),
    "postgresql": text(
        "INSERT INTO searchable_person (id, words) VALUES (:id, CAST(:words AS tsvector))"
        " ON CONFLICT (id) DO UPDATE SET words = excluded.words"
    ),
}
REMOVE = {
    "sqlite": text("DELETE FROM searchable_person WHERE rowid = :id"),
    "postgresql": text("DELETE FROM searchable_person WHERE id = :id"),
}


def index_person(session: Session, person_id: int, username: str, name: str) -> None:
    """Index a user under their current names, instead of earlier ones."""
    dialect = session.get_bind().dialect.name
    session.connection().execute(ADD[dialect], person_index_row(dialect, person_id, username, name))


def unindex_person(session: Session, person_id: int) -> None:
    """Remove a user from the index."""
    session.connection().execute(REMOVE[session.get_bind().dialect.name], {"id": person_id})


def person_index_row(dialect: str, person_id: int, username: str, name: str) -> dict[str, object]:
    """Return the index row of one user."""
    return index_row(dialect, person_id, f"{name} {username}")


def find_people(connection: Connection, terms: Terms, *, limit: int, prefix: bool = False) -> list[int]:
    """Return ids of users whose display name and handle contain all these words, newest account first.

    `prefix`: match words that start with these.
    """
    if not terms:
        return []
    dialect = connection.dialect.name
    values = {"query": match_expression(dialect, terms, prefix), "limit": limit}
    return list(connection.execute(FIND[dialect], values).scalars())
