"""Search published creations by words, newest first, at a cost that does not depend on how many there are."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from core import search_index
from core.search_index import Terms, match_expression

# PostgreSQL scans this many of the newest rows for words that are common.
NEWEST_SCANNED = (5_000, 10_000)
# Several words are common, and searched in one or two slices of SQLite's index, if each has more rows than this.
MAX_RARE = 200
# The longest words of a query are probably the rarest.
MAX_COUNTED_WORDS = 4

FIND = {
    "sqlite": text(
        "SELECT rowid FROM searchable WHERE searchable MATCH :query AND rowid < :before"
        " ORDER BY rowid DESC LIMIT :limit"
    ),
    "newest": text(
        "SELECT id FROM (SELECT id, words FROM searchable WHERE id < :before ORDER BY id DESC LIMIT :newest) AS newest"
        " WHERE words @@ CAST(:query AS tsquery) ORDER BY id DESC LIMIT :limit"
    ),
    # Rows are matched before they are sorted: a planner that overestimates a rare word would scan the whole table.
    "all": text(
        "WITH matches AS MATERIALIZED"
        " (SELECT id FROM searchable WHERE words @@ CAST(:query AS tsquery) AND id < :before)"
        " SELECT id FROM matches ORDER BY id DESC LIMIT :limit"
    ),
}
NEWEST_ROW = text("SELECT rowid FROM searchable WHERE rowid < :before ORDER BY rowid DESC LIMIT 1")
# 0 if there are no more than these rows.
OLDEST = text(
    "SELECT CASE WHEN count(*) < :newest THEN 0 ELSE min(id) END"
    " FROM (SELECT id FROM searchable WHERE id < :before ORDER BY id DESC LIMIT :newest) AS newest"
)
NTH_MATCH = text(
    "SELECT rowid FROM searchable WHERE searchable MATCH :query AND rowid < :before"
    " ORDER BY rowid DESC LIMIT 1 OFFSET :number"
)


class Found(NamedTuple):
    """Ids of creations, newest first. `older`: the search goes on below this id; None if it is at its end."""

    ids: list[int]
    older: int | None

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing, on this page or older."""
        return not self.ids and self.older is None


def find(connection: Connection, terms: Terms, *, limit: int, before: int | None = None, prefix: bool = False) -> Found:
    """Find published creations with all these terms, below id `before`, at most `limit`.

    Fewer do not mean that there are no more: words that are all common and never meet are searched a part at a time.

    `prefix`: match words that start with these, of which the first MAX_PREFIX_LENGTH letters count.
    """
    if not terms:
        return Found([], None)
    name = connection.dialect.name
    before = before or 2**63 - 1
    values = {"query": match_expression(name, terms, prefix), "before": before, "limit": limit + 1}
    find_ids = _find_in_sqlite if name == "sqlite" else _find_in_postgres
    ids, oldest = find_ids(connection, values, terms, prefix)
    if len(ids) > limit:
        return Found(ids[:limit], ids[limit - 1])
    return Found(ids, oldest or None)


def _find_in_sqlite(
    connection: Connection, values: dict[str, Any], terms: Terms, prefix: bool
) -> tuple[list[int], int]:
    """Return ids, and the oldest id searched: 0 for all.

    FTS5 walks along the rows of all words until enough rows have all of them: if common words never meet, to the end.
    With the word of a slice among them it ends with the slice.
    """
    if len(terms) > 1:
        ids, oldest = _find_in_slices(connection, values)
        if len(ids) == values["limit"] or not _has_rare_word(connection, values, terms, prefix):
            return ids, oldest
    return list(connection.execute(FIND["sqlite"], values).scalars()), 0


def _find_in_slices(connection: Connection, values: dict[str, Any]) -> tuple[list[int], int]:
    """Search the newest slice and the one before."""
    newest = connection.execute(NEWEST_ROW, values).scalar() or 0
    last = newest // search_index.SLICE_ROWS
    first = max(last - 1, 0)
    slices = f'("{search_index.SLICE_MARK}{last}" OR "{search_index.SLICE_MARK}{first}")'
    limited = {**values, "query": f"{slices} AND {values['query']}"}
    return list(connection.execute(FIND["sqlite"], limited).scalars()), first * search_index.SLICE_ROWS


def _has_rare_word(connection: Connection, values: dict[str, Any], terms: Terms, prefix: bool) -> bool:
    return any(
        connection.execute(NTH_MATCH, {**values, "query": word, "number": MAX_RARE}).first() is None
        for word in _longest_words("sqlite", terms, prefix)
    )


def _longest_words(dialect: str, terms: Terms, prefix: bool) -> list[str]:
    """Return an expression for each of the longest words."""
    words = {(word, prefix and word == term[-1]) for term in terms for word in term}
    longest = sorted(words, key=lambda each: len(each[0]), reverse=True)[:MAX_COUNTED_WORDS]
    return [match_expression(dialect, [[word]], is_prefix) for word, is_prefix in longest]


def _find_in_postgres(
    connection: Connection, values: dict[str, Any], terms: Terms, prefix: bool
) -> tuple[list[int], int]:
    """Return ids, and the oldest id searched: 0 for all.

    Its index knows no order, so for common words it would read all their rows. If a word is not among the newest rows,
    it is rare.
    """
    few, more = NEWEST_SCANNED
    ids = _scan(connection, values, few)
    if len(ids) == values["limit"]:
        return ids, 0
    words = _longest_words("postgresql", terms, prefix)
    if not all(_scan(connection, {**values, "query": word, "limit": 1}, few) for word in words):
        return list(connection.execute(FIND["all"], values).scalars()), 0
    ids = _scan(connection, values, more)
    oldest: int = connection.execute(OLDEST, {**values, "newest": more}).scalar_one()
    return ids, oldest


def _scan(connection: Connection, values: dict[str, Any], newest: int) -> list[int]:
    return list(connection.execute(FIND["newest"], {**values, "newest": newest}).scalars())
