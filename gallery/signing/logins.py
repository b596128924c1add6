"""The browsers in which somebody is signed in: begun, found, ended. The cookie's value is known to the browser alone.

The rows hold a digest: who reads the database cannot sign in with it. Knows no HTTP.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.database import transaction
from core.models import Login, logins, notifications, people
from core.notification_history import fill_in

# After it was used last, and after it was begun, however often it is used.
LASTS = timedelta(days=60)
ENDS = timedelta(days=90)
# Written down no more often than this: a look at a page shall not cost a write.
SEEN_EVERY = timedelta(minutes=5)
MOST_COUNTED = 99
MOST_BROWSERS = 30


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
        new = (people.c.id == person_id, people.c.member_since.is_(None))
        if session.execute(update(people).where(*new).values(member_since=now()).returning(people.c.id)).first():
            fill_in(session, person_id)
        _make_room(session, person_id)
        session.add(row)
        session.flush()
        assert row.id is not None  # noqa: S101
        return Begun(row.id, value)


def _make_room(session: Session, person_id: int) -> None:
    """Those that ended by themselves go, and of too many those not used for longest."""
    theirs = select(logins.c.id).where(logins.c.person_id == person_id)
    newest = theirs.order_by(logins.c.seen_at.desc(), logins.c.id.desc()).limit(MOST_BROWSERS - 1).scalar_subquery()
    ended = or_(logins.c.expires_at <= now(), logins.c.id.not_in(newest))
    session.execute(delete(logins).where(logins.c.person_id == person_id, ended))


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
            logins.c.created_at,
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


def touch(engine: Engine, login_id: int, begun_at: datetime) -> None:
    """Note that it was used just now; it lasts longer for it, but never longer than ENDS."""
    with transaction(engine) as session:
        moment = now()
        used = update(logins).where(logins.c.id == login_id)
        session.execute(used.values(seen_at=moment, expires_at=min(moment + LASTS, begun_at + ENDS)))


def end(engine: Engine, login_id: int, person_id: int | None = None) -> list[str | None]:
    """Sign out in one browser, of this person where one is given. Returns the sealed tokens of what ended."""
    which = logins.c.id == login_id
    return _end(engine, which if person_id is None else and_(which, logins.c.person_id == person_id))


def end_all(engine: Engine, person_id: int) -> list[str | None]:
    """Sign out everywhere. Returns the sealed tokens of all that ended."""
    return _end(engine, logins.c.person_id == person_id)


def _end(engine: Engine, which: ColumnElement[bool]) -> list[str | None]:
    with transaction(engine) as session:
        return list(session.execute(delete(logins).where(which).returning(logins.c.tokens)).scalars())


def sealed_of(connection: Connection, person_id: int) -> list[str | None]:
    """The sealed tokens of all browsers in which somebody is signed in."""
    return list(connection.execute(select(logins.c.tokens).where(logins.c.person_id == person_id)).scalars())


def of_person(connection: Connection, person_id: int) -> list[Any]:
    """The browsers in which somebody is signed in, the one used last first."""
    columns = (logins.c.id, logins.c.browser, logins.c.created_at, logins.c.seen_at)
    wanted = select(*columns).where(logins.c.person_id == person_id, logins.c.expires_at > now())
    return list(connection.execute(wanted.order_by(logins.c.seen_at.desc(), logins.c.id.desc())))


def digest_of(value: str) -> str:
    """How a cookie's value stands in the database."""
    return hashlib.sha256(value.encode()).hexdigest()
