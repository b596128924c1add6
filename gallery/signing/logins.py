"""The browsers in which somebody is signed in: begun, found, ended. The cookie's value is known to the browser alone.

The rows hold a digest: who reads the database cannot sign in with it. Knows no HTTP.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, update

from core.clock import now
from core.database import transaction
from core.models import Login, logins, notifications, people

LASTS = timedelta(days=60)
# Written down no more often than this: a look at a page shall not cost a write.
SEEN_EVERY = timedelta(minutes=5)
MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class Begun:
    """A new login: its row's id, and the value for the cookie, which nobody else ever learns."""

    login_id: int
    value: str


def begin(engine: Engine, person_id: int, *, browser: str = "", tokens: str | None = None) -> Begun:
    """Sign somebody in, in one browser."""
    value = secrets.token_urlsafe(32)
    row = Login(person_id=person_id, digest=digest_of(value), browser=browser, tokens=tokens, expires_at=now() + LASTS)
    with transaction(engine) as session:
        session.execute(
            update(people)
            .where(people.c.id == person_id)
            .values(member_since=func.coalesce(people.c.member_since, now()))
        )
        session.add(row)
        session.flush()
        assert row.id is not None  # noqa: S101
        return Begun(row.id, value)


def find(connection: Connection, value: str) -> Any:
    """The login of a cookie with its person and how much is unread for them; None for one that does not count."""
    unread = (
        select(notifications.c.id)
        .where(notifications.c.person_id == logins.c.person_id, notifications.c.read_at.is_(None))
        .limit(MOST_COUNTED + 1)
        .correlate(logins)
        .subquery()
    )
    wanted = (
        select(
            logins.c.id.label("login_id"),
            logins.c.seen_at,
            people.c.id,
            people.c.username,
            people.c.name,
            people.c.shows_sensitive,
            select(func.count()).select_from(unread).scalar_subquery().label("unread"),
        )
        .join_from(logins, people, people.c.id == logins.c.person_id)
        .where(logins.c.digest == digest_of(value), logins.c.expires_at > now(), people.c.banned_at.is_(None))
    )
    return connection.execute(wanted).one_or_none()


def touch(engine: Engine, login_id: int) -> None:
    """Note that it was used just now; it lasts longer for it."""
    with transaction(engine) as session:
        moment = now()
        used = update(logins).where(logins.c.id == login_id)
        session.execute(used.values(seen_at=moment, expires_at=moment + LASTS))


def end(engine: Engine, login_id: int) -> None:
    """Sign out in one browser. Its tokens go with it."""
    with transaction(engine) as session:
        session.execute(delete(logins).where(logins.c.id == login_id))


def end_all(engine: Engine, person_id: int) -> int:
    """Sign out everywhere. Returns in how many browsers."""
    with transaction(engine) as session:
        ended = session.execute(delete(logins).where(logins.c.person_id == person_id))
        return int(ended.rowcount)  # type: ignore[attr-defined]  # a DELETE's result always has it


def digest_of(value: str) -> str:
    """How a cookie's value stands in the database."""
    return hashlib.sha256(value.encode()).hexdigest()
