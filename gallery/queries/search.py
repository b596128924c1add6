"""Search creations by their words or number, and people by their names."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, exists, or_, select

from core import search_index, search_query
from core.models import creations, people
from core.people_search_index import find_people
from gallery.queries import creations as creation_queries
from gallery.views.creations import CreationView, Page, UserView
from gallery.views.pagination import Cursor

# Results are sorted by id: the time in their cursors is not used.
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
# As replies on X and pages write it: "No. 207", "#207", "207".
NUMBER = re.compile(r"(?:no\.?|nr\.?|№|#|＃)?\s*([1-9][0-9]{0,17})", re.IGNORECASE | re.ASCII)
MAX_PEOPLE = 5
# People whose names match, of whom the first with something to show are returned.
MAX_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class SearchResults:
    """One page of results. `people` and `numbered` are on the first page only.

    Attributes:
        is_prefix_match: no prompt has the words themselves, but these have words that begin with them.
        people: those whose handle or display name matches.
        numbered: the public creation whose number was searched for. It is the first of the page, too.
    """

    page: Page
    is_prefix_match: bool = False
    people: tuple[UserView, ...] = ()
    numbered: CreationView | None = None


def search_creations(connection: Connection, words: str, *, limit: int, after: Cursor | None = None) -> SearchResults:
    """Return public creations whose prompts have all words, newest first; if none has, those with words as prefixes.

    A creation with this number comes first.
    """
    terms, before = search_index.parse_query(words), after.id if after else None
    found = search_query.find(connection, terms, limit=limit, before=before)
    is_prefix_match = found.is_empty and (after is None or _is_unknown(connection, terms))
    if is_prefix_match:
        found = search_query.find(connection, terms, limit=limit, before=before, prefix=True)
    older = str(Cursor(NO_TIME, found.older)) if found.older else None
    page = Page(creation_queries.list_by_ids(connection, found.ids), older)
    if after is not None:
        return SearchResults(page, is_prefix_match and bool(found.ids))
    numbered = _find_numbered(connection, words)
    if numbered is not None:
        others = [creation for creation in page.creations if creation.id != numbered.id]
        page = Page([numbered, *others], page.older)
    return SearchResults(page, is_prefix_match and bool(found.ids), _find_people(connection, words, terms), numbered)


def _is_unknown(connection: Connection, terms: search_index.Terms) -> bool:
    """Return whether no creation has all these words, so that the first page showed those with prefixes."""
    return search_query.find(connection, terms, limit=1).is_empty


def _find_numbered(connection: Connection, words: str) -> CreationView | None:
    number = NUMBER.fullmatch(words.strip())
    return next(iter(creation_queries.list_by_ids(connection, [int(number[1])])), None) if number else None


def _find_people(connection: Connection, words: str, terms: search_index.Terms) -> tuple[UserView, ...]:
    """Return the person with this handle, then those whose names match."""
    handle = words.strip().removeprefix("@")
    is_handle = handle.isascii() and 0 < len(handle) <= 15
    by_handle = creation_queries.find_user_by_handle(connection, handle) if is_handle else None
    ids = find_people(connection, terms, limit=MAX_CANDIDATES)
    ids = ids or find_people(connection, terms, limit=MAX_CANDIDATES, prefix=True)
    by_name = [
        user for user in _with_something_to_show(connection, ids) if by_handle is None or user.id != by_handle.id
    ]
    return (*([by_handle] if by_handle else []), *by_name)[:MAX_PEOPLE]


def _with_something_to_show(connection: Connection, ids: list[int]) -> list[UserView]:
    """Return the members among these people, and those with a public creation, most followed first."""
    has_public = exists().where(creations.c.person_id == people.c.id, creations.c.published_at.is_not(None))
    stmt = (
        select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at, people.c.avatar_key)
        .where(people.c.id.in_(ids), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
        .where(or_(people.c.member_since.is_not(None), has_public))
        .order_by(people.c.follower_count.desc(), people.c.id.desc())
        .limit(MAX_PEOPLE + 1)
    )
    return [UserView(*row) for row in connection.execute(stmt)] if ids else []
