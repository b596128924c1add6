"""Read and write a member's settings."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select, update

from core.clock import now
from core.database import retry_on_deadlock, write_session
from core.deletion import opt_in, opt_out
from core.models import creations, login_sessions, people


class BrowserSession(NamedTuple):
    """A browser in which a member is signed in."""

    id: int
    browser: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """A member's settings, and the browsers in which they are signed in."""

    opted_out_at: datetime | None
    hidden_at: datetime | None
    show_sensitive: bool
    member_since: datetime | None
    creations: int
    browsers: list[BrowserSession]


def load_settings(connection: Connection, person_id: int, max_count: int) -> AccountSettings:
    """Load a member's settings. Their creations are counted up to `max_count` + 1."""
    person = connection.execute(select(people).where(people.c.id == person_id)).one()
    own = select(creations.c.id).where(creations.c.person_id == person_id, creations.c.deleted_at.is_(None))
    count = connection.execute(select(func.count()).select_from(own.limit(max_count + 1).subquery())).scalar_one()
    return AccountSettings(
        person.opted_out_at,
        person.hidden_at,
        person.show_sensitive,
        person.member_since,
        int(count),
        _list_sessions(connection, person_id),
    )


def _list_sessions(connection: Connection, person_id: int) -> list[BrowserSession]:
    """Return the browsers in which a user is signed in, most recently used first."""
    columns = (login_sessions.c.id, login_sessions.c.browser, login_sessions.c.created_at, login_sessions.c.seen_at)
    stmt = (
        select(*columns)
        .where(login_sessions.c.person_id == person_id, login_sessions.c.expires_at > now())
        .order_by(login_sessions.c.seen_at.desc(), login_sessions.c.id.desc())
    )
    return [BrowserSession(*row) for row in connection.execute(stmt)]


@retry_on_deadlock
def set_bot_replies(engine: Engine, person_id: int, *, is_on: bool) -> None:
    """Opt a user in to the bot's replies or out, as `start` and `stop` do on X."""
    with write_session(engine) as session:
        (opt_in if is_on else opt_out)(session, person_id)


def set_show_sensitive(engine: Engine, person_id: int, *, is_on: bool) -> None:
    """Set whether a member sees sensitive pictures without blur."""
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(show_sensitive=is_on))
