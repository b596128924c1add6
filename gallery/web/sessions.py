"""Store the browsers in which users are signed in: create, find, prolong and revoke sessions.

Only the browser knows the cookie's value; the rows hold its digest, so a copy of the database is no use for signing in.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, delete, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.database import write_session
from core.models import LoginSession, login_sessions, mutes, notifications, people
from core.notification_history import fill_in

# A session ends this long after its last use, and this long after sign-in however often it is used.
IDLE_LIFETIME = timedelta(days=60)
MAX_LIFETIME = timedelta(days=90)
# Page views do not write more often than this.
TOUCH_INTERVAL = timedelta(minutes=5)
MAX_UNREAD_COUNT = 99
MAX_SESSIONS = 30

_UNREAD = (
    select(notifications.c.id)
    .where(notifications.c.person_id == login_sessions.c.person_id, notifications.c.read_at.is_(None))
    .limit(MAX_UNREAD_COUNT + 1)
    .correlate(login_sessions)
    .subquery()
)
# Built once: every page of a member needs it, and building it takes longer than running it.
FIND_STMT = (
    select(
        login_sessions.c.id,
        login_sessions.c.seen_at,
        login_sessions.c.created_at,
        people.c.id,
        people.c.username,
        people.c.name,
        people.c.avatar_key,
        people.c.show_sensitive,
        select(func.count()).select_from(_UNREAD).scalar_subquery(),
        select(mutes.c.id).where(mutes.c.person_id == login_sessions.c.person_id).exists(),
    )
    .join_from(login_sessions, people, people.c.id == login_sessions.c.person_id)
    .where(login_sessions.c.digest == bindparam("digest"))
    .where(login_sessions.c.expires_at > bindparam("now"), people.c.banned_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session: the id of its row, and the cookie's value, which is stored nowhere."""

    session_id: int
    value: str


class SessionRow(NamedTuple):
    """A valid session with its user. `unread`: their unread notifications, up to MAX_UNREAD_COUNT + 1."""

    session_id: int
    seen_at: datetime
    created_at: datetime
    person_id: int
    username: str
    name: str
    avatar_key: str | None
    show_sensitive: bool
    unread: int
    has_mutes: bool


def create(engine: Engine, person_id: int, *, browser: str = "", tokens: str | None = None) -> NewSession:
    """Sign a user in, in one browser. `tokens`: encrypted."""
    value = secrets.token_urlsafe(32)
    row = LoginSession(
        person_id=person_id, digest=digest(value), browser=browser, tokens=tokens, expires_at=now() + IDLE_LIFETIME
    )
    with write_session(engine) as session:
        is_first = (people.c.id == person_id, people.c.member_since.is_(None))
        if session.execute(update(people).where(*is_first).values(member_since=now()).returning(people.c.id)).first():
            fill_in(session, person_id)
        _delete_surplus(session, person_id)
        session.add(row)
        session.flush()
        assert row.id is not None  # noqa: S101
        return NewSession(row.id, value)


def _delete_surplus(session: Session, person_id: int) -> None:
    """Delete a user's expired sessions, and the least recently used ones beyond the limit."""
    own = select(login_sessions.c.id).where(login_sessions.c.person_id == person_id)
    by_last_use = own.order_by(login_sessions.c.seen_at.desc(), login_sessions.c.id.desc())
    newest = by_last_use.limit(MAX_SESSIONS - 1).scalar_subquery()
    is_surplus = or_(login_sessions.c.expires_at <= now(), login_sessions.c.id.not_in(newest))
    session.execute(delete(login_sessions).where(login_sessions.c.person_id == person_id, is_surplus))


def find(connection: Connection, value: str) -> SessionRow | None:
    """Return the session of a cookie with its user and their unread count; None if it is not valid."""
    row = connection.execute(FIND_STMT, {"digest": digest(value), "now": now()}).one_or_none()
    return SessionRow(*row) if row else None


def touch(engine: Engine, session_id: int, created_at: datetime) -> None:
    """Record that a session is used now, which prolongs it up to MAX_LIFETIME."""
    with write_session(engine) as session:
        moment = now()
        expires_at = min(moment + IDLE_LIFETIME, created_at + MAX_LIFETIME)
        stmt = update(login_sessions).where(login_sessions.c.id == session_id)
        session.execute(stmt.values(seen_at=moment, expires_at=expires_at))


def revoke(engine: Engine, session_id: int, person_id: int | None = None) -> list[str | None]:
    """Sign out in one browser; with `person_id`, only if the session is theirs. Return its encrypted tokens."""
    condition = login_sessions.c.id == session_id
    return _delete(engine, condition if person_id is None else and_(condition, login_sessions.c.person_id == person_id))


def revoke_all(engine: Engine, person_id: int) -> list[str | None]:
    """Sign a user out everywhere. Return the encrypted tokens of all their sessions."""
    return _delete(engine, login_sessions.c.person_id == person_id)


def _delete(engine: Engine, condition: ColumnElement[bool]) -> list[str | None]:
    with write_session(engine) as session:
        stmt = delete(login_sessions).where(condition).returning(login_sessions.c.tokens)
        return list(session.execute(stmt).scalars())


def encrypted_tokens(connection: Connection, person_id: int) -> list[str | None]:
    """Return the encrypted tokens of all of a user's sessions."""
    return list(
        connection.execute(select(login_sessions.c.tokens).where(login_sessions.c.person_id == person_id)).scalars()
    )


def digest(value: str) -> str:
    """Return how the database stores a cookie's value."""
    return hashlib.sha256(value.encode()).hexdigest()
