"""What a search finds: creations by their words or number, people by their names. Knows no HTTP."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, exists, or_, select

from core import searching
from core.models import creations, people
from core.searching_people import find_people
from gallery import queries
from gallery.keyset import After
from gallery.shown import CreationShown, Page, PersonShown

# The order is that of the ids; a cursor of the walls has a moment in it, too.
ANY_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
# As replies on X and pages write it: "No. 207", "#207", "207".
NUMBER = re.compile(r"(?:no\.?|nr\.?|№|#|＃)?\s*([1-9][0-9]{0,17})", re.IGNORECASE | re.ASCII)
MAX_PEOPLE = 5
# Of those whose names fit, the first few who have something to show.
MAX_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found. `beginnings`: nothing has these words, but these have words that begin so.

    numbered: the published creation whose number was asked for. people: whose handle or display name it is.
    """

    page: Page
    beginnings: bool = False
    people: tuple[PersonShown, ...] = ()
    numbered: CreationShown | None = None


def find(connection: Connection, words: str, *, limit: int, after: After | None = None) -> Found:
    """What hangs and has all these words, newest first; where nothing does, what has words that begin so.

    A creation whose number this is comes first.
    """
    asked, before = searching.asked_in(words), after.id if after else None
    ids = searching.find(connection, asked, limit=limit + 1, before=before)
    beginnings = not ids
    if beginnings:
        ids = searching.find(connection, asked, limit=limit + 1, before=before, beginnings=True)
    older = str(After(ANY_MOMENT, ids[limit - 1])) if len(ids) > limit else None
    page = Page(queries.by_ids(connection, ids[:limit]), older)
    if after is not None:
        return Found(page, beginnings and bool(ids))
    numbered = _numbered(connection, words)
    if numbered is not None:
        others = [one for one in page.creations if one.id != numbered.id]
        page = Page([numbered, *others], page.older)
    return Found(page, beginnings and bool(ids), _people(connection, words, asked), numbered)


def _numbered(connection: Connection, words: str) -> CreationShown | None:
    number = NUMBER.fullmatch(words.strip())
    return next(iter(queries.by_ids(connection, [int(number[1])])), None) if number else None


def _people(connection: Connection, words: str, asked: searching.Asked) -> tuple[PersonShown, ...]:
    """The person with this handle, then those whose names have the words."""
    handle = words.strip().removeprefix("@")
    is_handle = handle.isascii() and 0 < len(handle) <= 15
    called = queries.person_called(connection, handle) if is_handle else None
    ids = find_people(connection, asked, limit=MAX_CANDIDATES)
    ids = ids or find_people(connection, asked, limit=MAX_CANDIDATES, beginnings=True)
    others = [one for one in _with_something_to_show(connection, ids) if called is None or one.id != called.id]
    return tuple(([called] if called else []) + others)[:MAX_PEOPLE]


def _with_something_to_show(connection: Connection, ids: list[int]) -> list[PersonShown]:
    """Return the members among these people, and those with a published creation."""
    hangs = exists().where(creations.c.person_id == people.c.id, creations.c.shown_at.is_not(None))
    stmt = (
        select(people.c.id, people.c.username, people.c.name, people.c.first_seen_at)
        .where(people.c.id.in_(ids), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
        .where(or_(people.c.member_since.is_not(None), hangs))
        .order_by(people.c.followers.desc(), people.c.id.desc())
        .limit(MAX_PEOPLE + 1)
    )
    return [PersonShown(*row) for row in connection.execute(stmt)] if ids else []
