"""Find the next newer creation of a search: the other direction of `core/search_query.py`, for one result."""

from sqlalchemy import Connection, text

from core import search_index
from core.search_index import Terms, match_expression

# PostgreSQL scans this many newer rows: its index of words knows no order.
SCANNED = 5_000
FIND_NEWER = {
    "sqlite": text(
        "SELECT rowid FROM searchable WHERE searchable MATCH :query AND rowid > :after ORDER BY rowid LIMIT 1"
    ),
    "postgresql": text(
        "SELECT id FROM (SELECT id, words FROM searchable WHERE id > :after ORDER BY id LIMIT :scanned) AS newer"
        " WHERE words @@ CAST(:query AS tsquery) ORDER BY id LIMIT 1"
    ),
}


def find_newer(connection: Connection, terms: Terms, *, after: int, prefix: bool = False) -> int | None:
    """Return the oldest published creation above id `after` with all these terms; None if none is near.

    Words that are all common may never meet: for several words SQLite searches two slices, PostgreSQL `SCANNED` rows.
    """
    if not terms:
        return None
    name = connection.dialect.name
    query = match_expression(name, terms, prefix)
    if name == "sqlite" and len(terms) > 1:
        query = f"{_slices_from(after)} AND {query}"
    values = {"query": query, "after": after} | ({} if name == "sqlite" else {"scanned": SCANNED})
    return connection.execute(FIND_NEWER[name], values).scalar()


def _slices_from(creation_id: int) -> str:
    number = creation_id // search_index.SLICE_ROWS
    return f'("{search_index.SLICE_MARK}{number}" OR "{search_index.SLICE_MARK}{number + 1}")'
