"""A person with what is counted of them. Knows no HTTP."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.models import creations, people
from gallery import labels, queries
from gallery.shown import PersonShown


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is in the gallery. `likes` is None where there are too many creations to count them at once."""

    person: PersonShown
    creations: int
    likes: int | None
    followers: int
    follows: int

    @property
    def total(self) -> str:
        """Their creations in words."""
        return labels.counted(self.creations, queries.TOTAL_LIMIT, one="creation", many="creations")


def profile_called(connection: Connection, handle: str) -> Profile | None:
    """Who has this handle now, with their totals."""
    who = queries.person_called(connection, handle)
    if who is None:
        return None
    counts = connection.execute(select(people.c.followers, people.c.follows).where(people.c.id == who.id)).one()
    total, likes = _totals(connection, who.id)
    return Profile(who, total, likes, counts.followers, counts.follows)


def _totals(connection: Connection, person_id: int) -> tuple[int, int | None]:
    """How many hang and how often they are liked, as far as the limit goes: no page reads ten thousand rows."""
    some = (
        select(creations.c.likes)
        .where(creations.c.person_id == person_id, creations.c.shown_at.is_not(None))
        .limit(queries.TOTAL_LIMIT + 1)
        .subquery()
    )
    row = connection.execute(select(func.count(), func.sum(some.c.likes)).select_from(some)).one()
    return int(row[0]), (int(row[1] or 0) if row[0] <= queries.TOTAL_LIMIT else None)
