"""Lists of people by keyset, the latest first: who likes something, who follows whom. Knows no HTTP."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, tuple_

from core.models import people
from gallery.keyset import After
from gallery.shown import PersonShown


@dataclass(frozen=True, slots=True)
class PersonListed:
    """One line of a list."""

    person: PersonShown
    followers: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, and where the next one begins."""

    people: list[PersonListed]
    older: str | None

    @property
    def ids(self) -> list[int]:
        """The ids of all on this page."""
        return [row.person.id for row in self.people]


def listed(
    connection: Connection, wanted: Select[Any], order: tuple[Any, Any], *, limit: int, after: After | None
) -> Listed:
    """The people of a selection that brings their columns and `at`, without those whom X or the host hides."""
    moment, person_id = order
    seen = wanted.where(people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    page = seen.order_by(moment.desc(), person_id.desc()).limit(limit + 1)
    if after is not None:
        page = page.where(tuple_(moment, person_id) < (after.shown_at, after.id))
    rows = connection.execute(page).all()
    last = rows[limit - 1] if len(rows) > limit else None
    shown = [PersonListed(PersonShown(row.id, row.username, row.name), row.followers) for row in rows[:limit]]
    return Listed(shown, str(After(last.at, last.id)) if last else None)
