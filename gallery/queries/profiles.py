"""Load a user's profile with its totals."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, bindparam, func, select

from core.models import creations
from gallery.queries import creations as creation_queries
from gallery.views import formatting
from gallery.views.creations import UserView


@dataclass(frozen=True, slots=True)
class Profile:
    """A user with totals. `likes` is None if there are too many creations to count them."""

    person: UserView
    creations: int
    likes: int | None
    followers: int
    follows: int

    @property
    def total(self) -> str:
        """Return the number of creations in words."""
        return formatting.format_pictures(self.creations, creation_queries.TOTAL_LIMIT)


def find_profile(connection: Connection, handle: str) -> Profile | None:
    """Return the user who has this handle now, with totals."""
    row = creation_queries.find_profile_row(connection, handle)
    if row is None:
        return None
    total, likes = _load_totals(connection, row.id)
    who = UserView(row.id, row.username, row.name, row.first_seen_at, row.avatar_key)
    return Profile(who, total, likes, row.follower_count, row.following_count)


# Put together once.
COUNTED_STMT = (
    select(creations.c.likes)
    .where(creations.c.person_id == bindparam("person_id", type_=BigInteger), creations.c.published_at.is_not(None))
    .limit(creation_queries.TOTAL_LIMIT + 1)
    .subquery()
)
TOTALS_STMT = select(func.count(), func.sum(COUNTED_STMT.c.likes)).select_from(COUNTED_STMT)


def _load_totals(connection: Connection, person_id: int) -> tuple[int, int | None]:
    """Count public creations and their likes, up to the limit: no page reads ten thousand rows."""
    row = connection.execute(TOTALS_STMT, {"person_id": person_id}).one()
    return int(row[0]), (int(row[1] or 0) if row[0] <= creation_queries.TOTAL_LIMIT else None)
