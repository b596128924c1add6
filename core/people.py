"""Store users as X returns them, and find a user by handle or id.

A handle belongs to one user at a time: the user X returned with it last. Other rows lose it, and get their id as
handle until X returns a new one. `former_handle` and `handle_lost_at` record the handle they lost.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Engine, String, and_, case, cast, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counters import chunked, lock_rows
from core.database import insert_if_absent, read_connection, retry_on_deadlock, write_session
from core.errors import GiveUp, ThreadpaintError, TryLater
from core.models import people
from core.people_search_index import index_person

# Rows and pages have it, so its text stays.
PLACEHOLDER_NAME = "somebody"
# If X cannot be asked, a handle that X returned within this time counts as confirmed.
HANDLE_MAX_AGE = timedelta(hours=1)
# First key of PostgreSQL's two-key advisory locks; the second key is the hash of a handle.
HANDLE_LOCK_NAMESPACE = 1_214_213_001
HANDLE = re.compile(r"\w{1,15}", re.ASCII)


class XProfile(Protocol):
    """A user as X returns them. `username` is empty if X did not send it."""

    @property
    def id(self) -> int:
        """X's id."""

    @property
    def username(self) -> str:
        """The handle as its owner writes it, without @."""

    @property
    def name(self) -> str:
        """The display name."""


class _PersonRow(NamedTuple):
    """A row of PERSON_STMT."""

    id: int
    username: str
    handle: str
    handle_seen_at: datetime | None
    handle_lost_at: datetime | None
    banned_at: datetime | None


PERSON_STMT = select(
    people.c.id,
    people.c.username,
    people.c.handle,
    people.c.handle_seen_at,
    people.c.handle_lost_at,
    people.c.banned_at,
).order_by(people.c.id)
# Returns the user who has a handle on X now, or None if X has no such user. Raises TryLater and GiveUp.
UserLookup = Callable[[str], XProfile | None]


class UserNotFound(ThreadpaintError):
    """This instance has no such user.

    Attributes:
        profile: user whom X returned for the handle, if any.
        x_answered: whether X could be asked.
    """

    def __init__(self, message: str, profile: XProfile | None = None, *, x_answered: bool = False) -> None:
        super().__init__(message)
        self.profile, self.x_answered = profile, x_answered


@dataclass(frozen=True)
class FoundUser:
    """A user found by a command. `is_confirmed`: found by id, or X confirmed the handle recently."""

    id: int
    username: str
    handle_seen_at: datetime | None
    is_confirmed: bool
    banned_at: datetime | None = None

    @property
    def label(self) -> str:
        """Return `@ada (id 7)`, or `id 7` if no handle is known."""
        return f"id {self.id}" if self.username == str(self.id) else f"@{self.username} (id {self.id})"

    @property
    def uncertainty(self) -> str:
        """Return why the handle may belong to another user by now; empty if it is confirmed."""
        if self.is_confirmed:
            return ""
        return f", last seen with this handle on {_day(self.handle_seen_at)}; X could not confirm it"

    def require_confirmed(self) -> None:
        """Raise ThreadpaintError unless confirmed: a handle that changed hands must not delete another user."""
        if not self.is_confirmed:
            raise ThreadpaintError(f"{self.label}{self.uncertainty}; use the id instead: {self.id}")


def record_people(session: Session, profiles: Iterable[XProfile]) -> None:
    """Insert or update users as X returned them. Other rows lose the handles that these users have.

    Call it before locking other rows: it locks people in the order of their ids. If two profiles share an id or a
    handle, the last one wins. A profile without a handle leaves the stored one.
    """
    by_id = {profile.id: profile for profile in profiles}
    owners = {profile.username.lower(): profile.id for profile in by_id.values() if profile.username}
    _lock(session, by_id, sorted(owners))
    _release(session, owners)
    for person_id in sorted(by_id):
        profile = by_id[person_id]
        is_owner = owners.get(profile.username.lower()) == person_id
        _write(session, person_id, profile.username if is_owner else "", profile.name)


def find_user(engine: Engine, handle_or_id: str, look_up: UserLookup | None = None) -> FoundUser:
    """Return the user with this handle or id.

    Args:
        handle_or_id: `@ada`, `ada`, or an id.
        look_up: asks X who has the handle now. If X cannot be asked, a handle seen within HANDLE_MAX_AGE is confirmed.

    Raises: UserNotFound if there is no such user; ThreadpaintError, with the ids, if the handle changed hands.
    """
    handle = handle_or_id.strip().removeprefix("@").lower()
    if is_id(handle_or_id.strip()):
        return _find_by_id(engine, handle)
    profile, x_answered = _look_up(look_up, handle)
    if profile is not None:
        _update_known(engine, profile)
    current, former = _rows_with_handle(engine, handle), _rows_with_former_handle(engine, handle)
    if len(current) > 1 or former:
        raise ThreadpaintError(_describe_changed_hands(handle, current, former, profile))
    if not current and is_id(handle):
        return _find_by_id(engine, handle)
    if not current:
        raise UserNotFound(f"no user @{handle} in this instance", profile, x_answered=x_answered)
    row = current[0]
    if x_answered and profile is None:
        day = _day(row.handle_seen_at)
        raise ThreadpaintError(
            f"X has no user @{handle} now; id {row.id} was last seen with this handle on {day}; use the id instead"
        )
    is_fresh = row.handle_seen_at is not None and row.handle_seen_at > now() - HANDLE_MAX_AGE
    return _found_user(row, is_confirmed=is_fresh or x_answered)


def is_id(text: str) -> bool:
    """Return whether the text may be an id on X: digits that fit into 63 bits."""
    return text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63


def _lock(session: Session, ids: Collection[int], handles: list[str]) -> None:
    """Lock these users, the handles, and the users who have them, until the end of the transaction."""
    if session.connection().dialect.name == "sqlite":
        return
    for handle in handles:  # two new users with the same handle have no rows yet that could be locked
        session.execute(select(func.pg_advisory_xact_lock(HANDLE_LOCK_NAMESPACE, func.hashtext(handle))))
    holders = [
        row.id
        for batch in _batched(handles)
        for row in session.execute(select(people.c.id).where(people.c.handle.in_(batch)))
    ]
    lock_rows(session, people, {*ids, *holders})


def _release(session: Session, owners: dict[str, int]) -> None:
    """Take these handles from all users except their owners."""
    for batch in _batched(sorted(owners)):
        columns = (people.c.id, people.c.handle, people.c.name)
        rows = session.execute(select(*columns).where(people.c.handle.in_(batch))).all()
        # A row whose handle is its own id has no real handle to lose.
        losing = {row.id: row.name for row in rows if row.id != owners[row.handle] and row.handle != str(row.id)}
        for ids in chunked(losing):
            session.execute(update(people).where(people.c.id.in_(ids)).values(**_lost_handle_values()))
        for person_id, name in losing.items():
            index_person(session, person_id, "", name)


def _lost_handle_values() -> dict[str, ColumnElement[str] | datetime]:
    """Return column values for users whose handle belongs to another user now: their id replaces it."""
    number = cast(people.c.id, String)
    return {"username": number, "handle": number, "former_handle": people.c.handle, "handle_lost_at": now()}


def _write(session: Session, person_id: int, username: str, name: str) -> None:
    fallback = str(person_id)
    named = {"username": username or fallback, "handle": (username or fallback).lower()}
    blank = {
        "first_seen_at": now(),
        "show_sensitive": False,
        "follower_count": 0,
        "following_count": 0,
        "ban_hides": False,
    }
    seen = {"handle_seen_at": now() if username else None}
    known = session.execute(select(people.c.username, people.c.name).where(people.c.id == person_id)).one_or_none()
    if username and (known is None or tuple(known) != (username, name)):
        index_person(session, person_id, username, name)
    if known is None and insert_if_absent(
        session, people, id=person_id, name=name or PLACEHOLDER_NAME, **named, **seen, **blank
    ):
        return
    if not username:
        return
    changed = and_(people.c.handle != named["handle"], people.c.handle != fallback)
    former = {
        "former_handle": case((changed, people.c.handle), else_=people.c.former_handle),
        "handle_lost_at": case((changed, now()), else_=people.c.handle_lost_at),
    }
    session.execute(update(people).where(people.c.id == person_id).values(**named, **seen, **former, name=name))


@retry_on_deadlock
def _update_known(engine: Engine, profile: XProfile) -> None:
    """Store the profile if the user is known; otherwise only take its handle from the user who had it."""
    handle = profile.username.lower()
    known = or_(people.c.id == profile.id, people.c.handle == handle)
    with write_session(engine) as session:
        ids = set(session.execute(select(people.c.id).where(known)).scalars())
        if profile.id in ids:
            record_people(session, [profile])
        elif ids:
            _lock(session, ids, [handle])
            _release(session, {handle: profile.id})


def _look_up(look_up: UserLookup | None, handle: str) -> tuple[XProfile | None, bool]:
    """Return the user whom X has under this handle, and whether X answered."""
    if look_up is None or not HANDLE.fullmatch(handle):
        return None, False
    try:
        return look_up(handle), True
    except (TryLater, GiveUp):
        return None, False


def _find_by_id(engine: Engine, digits: str) -> FoundUser:
    rows = _load_rows(engine, people.c.id == int(digits))
    if not rows:
        raise UserNotFound(f"no user with id {digits} in this instance")
    return _found_user(rows[0], is_confirmed=True)


def _rows_with_handle(engine: Engine, handle: str) -> list[_PersonRow]:
    """Return rows with this handle. A real handle of digits wins over an id that stands in for a lost handle."""
    rows = _load_rows(engine, people.c.handle == handle)
    real = [row for row in rows if row.handle != str(row.id)]
    return real or rows


def _rows_with_former_handle(engine: Engine, handle: str) -> list[_PersonRow]:
    return _load_rows(engine, and_(people.c.former_handle == handle, people.c.handle != handle))


def _load_rows(engine: Engine, condition: ColumnElement[bool]) -> list[_PersonRow]:
    with read_connection(engine) as connection:
        return [_PersonRow(*row) for row in connection.execute(PERSON_STMT.where(condition))]


def _found_user(row: _PersonRow, *, is_confirmed: bool) -> FoundUser:
    return FoundUser(row.id, row.username, row.handle_seen_at, is_confirmed, row.banned_at)


def _describe_changed_hands(
    handle: str, current: list[_PersonRow], former: list[_PersonRow], profile: XProfile | None
) -> str:
    """Return why a handle does not identify one user, with the ids to choose from."""
    owners = dict.fromkeys([row.id for row in current] + ([profile.id] if profile else []))
    parts = [f"id {owner_id} is @{handle} now" for owner_id in owners]
    parts += [f"id {row.id} was until {_day(row.handle_lost_at)}{_current_handle(row)}" for row in former]
    return f"@{handle} has changed hands: {', '.join(parts)}; use the id instead"


def _current_handle(row: _PersonRow) -> str:
    return "" if row.handle == str(row.id) else f" and is @{row.username} now"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "an unknown day"


def _batched(handles: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(handles), 1000):
        yield handles[start : start + 1000]
