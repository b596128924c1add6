"""What a search finds: creations by their words, and the person whose handle it is. Knows no HTTP."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from core import searching
from gallery import queries
from gallery.keyset import After
from gallery.shown import Page, PersonShown

# The order is that of the ids; a cursor of the walls has a moment in it, too.
ANY_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found. `beginnings`: nothing has these words, but these have words that begin so."""

    page: Page
    beginnings: bool = False
    person: PersonShown | None = None


def find(connection: Connection, words: str, *, limit: int, after: After | None = None) -> Found:
    """What hangs and has all these words, newest first; where nothing does, what has words that begin so."""
    asked, before = searching.asked_in(words), after.id if after else None
    ids = searching.find(connection, asked, limit=limit + 1, before=before)
    beginnings = not ids
    if beginnings:
        ids = searching.find(connection, asked, limit=limit + 1, before=before, beginnings=True)
    older = str(After(ANY_MOMENT, ids[limit - 1])) if len(ids) > limit else None
    page = Page(queries.by_ids(connection, ids[:limit]), older)
    return Found(page, beginnings and bool(ids), _person(connection, words) if after is None else None)


def _person(connection: Connection, words: str) -> PersonShown | None:
    handle = words.strip().removeprefix("@")
    return queries.person_called(connection, handle) if handle.isascii() and 0 < len(handle) <= 15 else None
