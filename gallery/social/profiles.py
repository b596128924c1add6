"""A person with what is counted of them. Knows no HTTP."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, bindparam, func, select

from core.models import creations
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
    row = queries.row_called(connection, handle)
    if row is None:
        return None
    total, likes = _totals(connection, row.id)
    who = PersonShown(row.id, row.username, row.name, row.first_seen_at)
    return Profile(who, total, likes, row.followers, row.follows)


# Put together once.
SOME = (
    select(creations.c.likes)
    .where(creations.c.person_id == bindparam("person_id", type_=BigInteger), creations.c.shown_at.is_not(None))
    .limit(queries.TOTAL_LIMIT + 1)
    .subquery()
)
TOTALS = select(func.count(), func.sum(SOME.c.likes)).select_from(SOME)


def _totals(connection: Connection, person_id: int) -> tuple[int, int | None]:
    """How many hang and how often they are liked, as far as the limit goes: no page reads ten thousand rows."""
    row = connection.execute(TOTALS, {"person_id": person_id}).one()
    return int(row[0]), (int(row[1] or 0) if row[0] <= queries.TOTAL_LIMIT else None)
