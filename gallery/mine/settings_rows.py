"""What a member decided for themselves: read and written. Knows no HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from core.database import transaction, unlocked
from core.forgetting import opt_in, opt_out
from core.models import creations, people
from gallery.signing import logins


@dataclass(frozen=True, slots=True)
class Settled:
    """How things stand for a member. `browsers`: rows with id, browser, created_at and seen_at."""

    opted_out_at: datetime | None
    hidden_at: datetime | None
    shows_sensitive: bool
    member_since: datetime | None
    creations: int
    browsers: list[Any]


def settled(connection: Connection, person_id: int, most: int) -> Settled:
    """How things stand; creations are counted up to `most` + 1."""
    person = connection.execute(select(people).where(people.c.id == person_id)).one()
    theirs = select(creations.c.id).where(creations.c.person_id == person_id, creations.c.deleted_at.is_(None))
    number = connection.execute(select(func.count()).select_from(theirs.limit(most + 1).subquery())).scalar_one()
    return Settled(
        person.opted_out_at,
        person.hidden_at,
        person.shows_sensitive,
        person.member_since,
        int(number),
        logins.of_person(connection, person_id),
    )


@unlocked
def answer_on_x(engine: Engine, person_id: int, *, wanted: bool) -> None:
    """What `start` and `stop` do on X."""
    with transaction(engine) as session:
        (opt_in if wanted else opt_out)(session, person_id)


def show_sensitive(engine: Engine, person_id: int, *, wanted: bool) -> None:
    """Whether sensitive pictures hang without a veil for them."""
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(shows_sensitive=wanted))
