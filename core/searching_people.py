"""Find people by display name and handle: what is written into their index, and what is asked of it.

Words are split and folded as those of prompts are (`core/searching.py`).
"""

from sqlalchemy import Connection, text
from sqlmodel import Session

from core.searching import Asked, question_for, row

FIND = {
    "sqlite": text(
        "SELECT rowid FROM searchable_person WHERE searchable_person MATCH :question ORDER BY rowid DESC LIMIT :limit"
    ),
    # Apart from the order, as in `core/searching.py`.
    "postgresql": text(
        "WITH found AS MATERIALIZED (SELECT id FROM searchable_person WHERE words @@ CAST(:question AS tsquery))"
        " SELECT id FROM found ORDER BY id DESC LIMIT :limit"
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
    """Index a person under their present names. Replaces the names they had before."""
    dialect = session.get_bind().dialect.name
    session.connection().execute(ADD[dialect], person_row(dialect, person_id, username, name))


def remove_person(session: Session, person_id: int) -> None:
    """Remove a person from the index."""
    session.connection().execute(REMOVE[session.get_bind().dialect.name], {"id": person_id})


def person_row(dialect: str, person_id: int, username: str, name: str) -> dict[str, object]:
    """Return the index row of one person."""
    return row(dialect, person_id, f"{name} {username}")


def find_people(connection: Connection, asked: Asked, *, limit: int, beginnings: bool = False) -> list[int]:
    """Return ids of people whose display name and handle have all these words, newest account first.

    `beginnings`: words that begin so are enough.
    """
    if not asked:
        return []
    dialect = connection.dialect.name
    values = {"question": question_for(dialect, asked, beginnings), "limit": limit}
    return list(connection.execute(FIND[dialect], values).scalars())
