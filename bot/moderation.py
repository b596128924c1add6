"""Ban and unban users by handle or id, also users unknown here, and list users.

A banned user gets no replies and no pictures and cannot sign in. Their pictures stay in the gallery unless the ban
hides them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, select, true, update
from sqlmodel import Session

from core.clock import now
from core.database import read_connection, retry_on_deadlock, write_session
from core.deletion import cancel_pending
from core.errors import ThreadpaintError
from core.models import creations, people
from core.people import FoundUser, UserLookup, UserNotFound, XProfile, find_user, is_id, record_people
from core.publishing import publish, unpublish
from core.text import clean, clip
from core.x import Author

MAX_REASON_LENGTH = 500


@dataclass(frozen=True)
class UserSummary:
    """A user with their ban, if any. `creations`: how many they have and did not delete; `shown`: how many are public.

    hides: the ban hides their creations.
    """

    id: int
    username: str
    banned_at: datetime | None
    reason: str
    hides: bool
    opted_out: bool
    creations: int
    shown: int

    @property
    def display_name(self) -> str:
        """Return `@ada (id 7)`, or `id 7` if no handle is known."""
        return FoundUser(self.id, self.username, None, is_confirmed=True).label

    def __str__(self) -> str:
        """Return the line for a terminal."""
        parts = [f"{self.display_name}  {self.creations:,} creations, {self.shown:,} public"]
        if self.opted_out:
            parts.append("opted out")
        if self.banned_at:
            hidden = ", their creations are hidden" if self.hides else ""
            parts.append(f"banned {self.banned_at:%Y-%m-%d %H:%M}: {self.reason or 'no reason given'}{hidden}")
        return "  ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object. The id is a string, because it exceeds JavaScript's integers."""
        return {
            "id": str(self.id),
            "username": None if self.username == str(self.id) else self.username,
            "banned_at": self.banned_at and self.banned_at.isoformat(),
            "reason": self.reason or None,
            "hides": self.hides,
            "opted_out": self.opted_out,
            "creations": self.creations,
            "shown": self.shown,
        }


def ban(
    engine: Engine, handle: str, *, reason: str = "", hide: bool = False, look_up: UserLookup | None = None
) -> UserSummary:
    """Ban a user. Banning again changes reason and hiding and keeps the date.

    Args:
        handle: the handle, or the id on X.
        hide: also hide the user's creations, until `unban`.
        ask: looks the handle up on X; needed for a user who is unknown here.

    Raises: ThreadpaintError if no such user exists, or if the handle may belong to another user now.
    """
    user_id = _find_or_create(engine, handle, look_up)
    _ban(engine, user_id, clip(clean(reason.strip()), MAX_REASON_LENGTH), hide)
    [user] = _summaries(engine, people.c.id == user_id)
    return user


def unban(engine: Engine, handle: str, look_up: UserLookup | None = None) -> FoundUser:
    """Remove a ban, and publish again what only the ban hid. Raise ThreadpaintError if the user is not banned."""
    user = find_user(engine, handle, look_up)
    if user.banned_at is None:
        raise ThreadpaintError(f"{user.label} is not banned")
    _unban(engine, user.id)
    return user


def list_users(engine: Engine, *, only_banned: bool = False, limit: int = 100) -> list[UserSummary]:
    """Return users, the latest active first; with `only_banned`, the latest ban first."""
    if only_banned:
        return _summaries(engine, people.c.banned_at.is_not(None), order_by=people.c.banned_at.desc(), limit=limit)
    return _summaries(engine, true(), limit=limit)


def _summaries(
    engine: Engine,
    condition: ColumnElement[bool],
    *,
    order_by: ColumnElement[Any] | None = None,
    limit: int = 1,
) -> list[UserSummary]:
    is_listed = (creations.c.deleted_at.is_(None), creations.c.painted_at.is_not(None))
    stats = (
        select(
            creations.c.person_id,
            func.count().filter(*is_listed).label("creations"),
            func.count(creations.c.published_at).filter(*is_listed).label("shown"),
            func.max(creations.c.created_at).label("active_at"),
        )
        .group_by(creations.c.person_id)
        .subquery()
    )
    stmt = (
        select(people, stats.c.creations, stats.c.shown)
        .outerjoin(stats, stats.c.person_id == people.c.id)
        .where(condition)
        .order_by(stats.c.active_at.desc().nulls_last() if order_by is None else order_by, people.c.id)
        .limit(limit)
    )
    with read_connection(engine) as connection:
        return [
            UserSummary(
                row.id,
                row.username,
                row.banned_at,
                row.ban_reason or "",
                row.ban_hides,
                row.opted_out_at is not None,
                row.creations or 0,
                row.shown or 0,
            )
            for row in connection.execute(stmt)
        ]


def _find_or_create(engine: Engine, handle: str, look_up: UserLookup | None) -> int:
    """Return the user's id. A user who is unknown here gets a row."""
    try:
        return find_user(engine, handle, look_up).id
    except UserNotFound as error:
        user = _unknown_user(handle.strip(), error)
    with write_session(engine) as session:
        record_people(session, [user])
    return user.id


def _unknown_user(handle: str, error: UserNotFound) -> XProfile:
    """Return the user as X shows them, or with the id alone. Raise ThreadpaintError if neither exists."""
    if error.profile is not None:
        return error.profile
    if is_id(handle):
        return Author(int(handle), "", "")
    if error.x_answered:
        raise ThreadpaintError(f"{error}, and X has no user with that handle") from error
    raise ThreadpaintError(
        f"{error}, and X cannot be asked (no keys, or no answer); use the id on X instead"
    ) from error


@retry_on_deadlock
def _ban(engine: Engine, user_id: int, reason: str, hide: bool) -> None:
    is_user = people.c.id == user_id
    with write_session(engine) as session:
        session.execute(update(people).where(is_user).values(banned_at=func.coalesce(people.c.banned_at, now())))
        if reason:
            session.execute(update(people).where(is_user).values(ban_reason=reason))
        if hide:
            hidden_at = func.coalesce(people.c.hidden_at, people.c.banned_at)
            session.execute(update(people).where(is_user).values(ban_hides=True, hidden_at=hidden_at))
            unpublish(session, creations.c.person_id == user_id)
        cancel_pending(session, user_id, "banned")


@retry_on_deadlock
def _unban(engine: Engine, user_id: int) -> None:
    is_user = people.c.id == user_id
    with write_session(engine) as session:
        if _is_hidden_by_ban_alone(session, user_id):
            session.execute(update(people).where(is_user).values(hidden_at=None))
            publish(session, creations.c.person_id == user_id)
        session.execute(update(people).where(is_user).values(banned_at=None, ban_reason=None, ban_hides=False))


def _is_hidden_by_ban_alone(session: Session, user_id: int) -> bool:
    row = session.execute(select(people).where(people.c.id == user_id)).one()
    return bool(row.ban_hides and row.hidden_at == row.banned_at)
