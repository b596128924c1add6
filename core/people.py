"""Record people as X shows them now, and find one by handle or id.

A handle belongs to one person at a time: whoever shows it takes it from every other row. A person who lost their handle
is found by id until X shows their new one; `former_handle` and `handle_lost_at` remember the old one.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, String, and_, case, cast, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counting import at_once, lock
from core.database import insert_new, reading, transaction, unlocked
from core.errors import GiveUp, HouseError, TryLater
from core.models import people
from core.searching_people import index_person

NOBODY = "somebody"
# For so long after X showed a handle it is taken to be still right if X cannot be asked.
FRESH = timedelta(hours=1)
# PostgreSQL's advisory locks have two numbers; this one says that the other is of a handle.
HANDLES = 1_214_213_001
HANDLE = re.compile(r"\w{1,15}", re.ASCII)


class Shown(Protocol):
    """A person as X shows them. `username` is empty if X did not send it."""

    @property
    def id(self) -> int:
        """X's id."""

    @property
    def username(self) -> str:
        """The handle as its owner writes it, without @."""

    @property
    def name(self) -> str:
        """The name people read."""


# Asks X whose handle this is now: the person, or None if it is nobody's. Raises TryLater and GiveUp.
Ask = Callable[[str], Shown | None]


class UnknownPerson(HouseError):
    """This instance does not know the person. `shown`: whom X shows with the handle; `is_asked`: X answered."""

    def __init__(self, words: str, shown: Shown | None = None, *, is_asked: bool = False) -> None:
        super().__init__(words)
        self.shown, self.is_asked = shown, is_asked


@dataclass(frozen=True)
class Found:
    """A person as a command found them. `is_sure`: named by id, or X showed the handle with this id just now."""

    id: int
    username: str
    handle_seen_at: datetime | None
    is_sure: bool
    banned_at: datetime | None = None

    @property
    def called(self) -> str:
        """How commands name them: `@ada (id 7)`, or `id 7` if no handle is known."""
        return f"id {self.id}" if self.username == str(self.id) else f"@{self.username} (id {self.id})"

    @property
    def doubt(self) -> str:
        """What to tell the operator if the handle may belong to another person by now; empty if they are sure."""
        if self.is_sure:
            return ""
        return f", last seen with this handle on {_day(self.handle_seen_at)}; X could not be asked whether it still is,"

    def require_sure(self) -> None:
        """Raise HouseError unless it is sure who is meant: a handle that changed hands must delete nobody else."""
        if not self.is_sure:
            raise HouseError(f"{self.called}{self.doubt} so say the id: {self.id}")


def record_people(session: Session, shown: Iterable[Shown]) -> None:
    """Write these people as X shows them; each takes their handle from whoever had it before.

    Call it before other rows are locked: it locks people in the order of their ids. Of two who show the same handle, or
    of one shown twice, the last counts. A person shown without a handle keeps the one they have.
    """
    by_id = {one.id: one for one in shown}
    owners = {one.username.lower(): one.id for one in by_id.values() if one.username}
    _lock(session, by_id, sorted(owners))
    _release(session, owners)
    for person_id in sorted(by_id):
        one = by_id[person_id]
        is_owner = owners.get(one.username.lower()) == person_id
        _write(session, person_id, one.username if is_owner else "", one.name)


def find_person(engine: Engine, called: str, ask: Ask | None = None) -> Found:
    """The person with this handle, or this id.

    Args:
        called: `@ada`, `ada`, or an id.
        ask: asks X whose handle this is now. If it cannot, what X showed within FRESH is taken as sure.

    Raises: UnknownPerson if nobody here is called so; HouseError if the handle changed hands: it names the ids.
    """
    handle = called.strip().removeprefix("@").lower()
    if is_id(called.strip()):
        return _by_id(engine, handle)
    shown, is_asked = _ask(ask, handle)
    if shown is not None:
        _record_known(engine, shown)
    current, former = _with_handle(engine, handle), _formerly(engine, handle)
    if len(current) > 1 or former:
        raise HouseError(_changed_hands(handle, current, former, shown))
    if not current and is_id(handle):
        return _by_id(engine, handle)
    if not current:
        raise UnknownPerson(f"nobody here is called @{handle}", shown, is_asked=is_asked)
    row = current[0]
    if is_asked and shown is None:
        day = _day(row.handle_seen_at)
        raise HouseError(f"X shows nobody called @{handle} now; id {row.id} was last seen with it on {day}; say the id")
    is_fresh = row.handle_seen_at is not None and row.handle_seen_at > now() - FRESH
    return _found(row, is_sure=is_fresh or is_asked)


def is_id(text: str) -> bool:
    """Whether this may be an id on X: digits that fit into 63 bits."""
    return text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63


def _lock(session: Session, ids: Collection[int], handles: list[str]) -> None:
    """Nobody else gives out these handles or changes who has them until the end of the transaction."""
    if session.connection().dialect.name == "sqlite":
        return
    for handle in handles:  # two who are new and show the same handle have no row yet to wait for
        session.execute(select(func.pg_advisory_xact_lock(HANDLES, func.hashtext(handle))))
    holders = [
        row.id
        for some in _portions(handles)
        for row in session.execute(select(people.c.id).where(people.c.handle.in_(some)))
    ]
    lock(session, people, {*ids, *holders})


def _release(session: Session, owners: dict[str, int]) -> None:
    """Take these handles from everybody but their owners."""
    for some in _portions(sorted(owners)):
        columns = (people.c.id, people.c.handle, people.c.name)
        held = session.execute(select(*columns).where(people.c.handle.in_(some))).all()
        # A fallback that looks like somebody's handle of digits is none.
        losing = {row.id: row.name for row in held if row.id != owners[row.handle] and row.handle != str(row.id)}
        for ids in at_once(losing):
            session.execute(update(people).where(people.c.id.in_(ids)).values(**_nameless()))
        for person_id, name in losing.items():
            index_person(session, person_id, "", name)


def _nameless() -> dict[str, Any]:
    """Values of a row whose handle belongs to another person now: it is found by its id."""
    number = cast(people.c.id, String)
    return {"username": number, "handle": number, "former_handle": people.c.handle, "handle_lost_at": now()}


def _write(session: Session, person_id: int, username: str, name: str) -> None:
    fallback = str(person_id)
    named = {"username": username or fallback, "handle": (username or fallback).lower()}
    blank = {"first_seen_at": now(), "shows_sensitive": False, "followers": 0, "follows": 0, "ban_hides": False}
    seen = {"handle_seen_at": now() if username else None}
    known = session.execute(select(people.c.username, people.c.name).where(people.c.id == person_id)).one_or_none()
    if username and (known is None or tuple(known) != (username, name)):
        index_person(session, person_id, username, name)
    if known is None and insert_new(session, people, id=person_id, name=name or NOBODY, **named, **seen, **blank):
        return
    if not username:
        return
    changed = and_(people.c.handle != named["handle"], people.c.handle != fallback)
    former = {
        "former_handle": case((changed, people.c.handle), else_=people.c.former_handle),
        "handle_lost_at": case((changed, now()), else_=people.c.handle_lost_at),
    }
    session.execute(update(people).where(people.c.id == person_id).values(**named, **seen, **former, name=name))


@unlocked
def _record_known(engine: Engine, shown: Shown) -> None:
    """Record whom X showed, if they or the one who had their handle are known here."""
    known = or_(people.c.id == shown.id, people.c.handle == shown.username.lower())
    with transaction(engine) as session:
        ids = set(session.execute(select(people.c.id).where(known)).scalars())
        if shown.id in ids:
            record_people(session, [shown])
        elif ids:
            _lock(session, ids, [shown.username.lower()])
            _release(session, {shown.username.lower(): shown.id})


def _ask(ask: Ask | None, handle: str) -> tuple[Shown | None, bool]:
    """Whom X shows with this handle, and whether it could be asked."""
    if ask is None or not HANDLE.fullmatch(handle):
        return None, False
    try:
        return ask(handle), True
    except (TryLater, GiveUp):
        return None, False


def _by_id(engine: Engine, digits: str) -> Found:
    with reading(engine) as connection:
        row = connection.execute(select(people).where(people.c.id == int(digits))).one_or_none()
    if row is None:
        raise UnknownPerson(f"nobody here has the id {digits}")
    return _found(row, is_sure=True)


def _with_handle(engine: Engine, handle: str) -> list[Any]:
    """Rows with this handle. A handle of digits is preferred to the id of somebody without a handle."""
    with reading(engine) as connection:
        rows = list(connection.execute(select(people).where(people.c.handle == handle).order_by(people.c.id)))
    real = [row for row in rows if row.handle != str(row.id)]
    return real or rows


def _formerly(engine: Engine, handle: str) -> list[Any]:
    with reading(engine) as connection:
        lost = select(people).where(people.c.former_handle == handle, people.c.handle != handle)
        return list(connection.execute(lost.order_by(people.c.id)))


def _found(row: Any, *, is_sure: bool) -> Found:
    return Found(row.id, row.username, row.handle_seen_at, is_sure, row.banned_at)


def _changed_hands(handle: str, current: list[Any], former: list[Any], shown: Shown | None) -> str:
    """Why a handle does not name one person, with the ids to choose from."""
    owners = dict.fromkeys([row.id for row in current] + ([shown.id] if shown else []))
    parts = [f"id {one} is @{handle} now" for one in owners]
    parts += [f"id {row.id} was until {_day(row.handle_lost_at)}{_now_called(row)}" for row in former]
    return f"@{handle} has changed hands: {', '.join(parts)}; say which id is meant"


def _now_called(row: Any) -> str:
    return "" if row.handle == str(row.id) else f" and is @{row.username} now"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "an unknown day"


def _portions(handles: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(handles), 1000):
        yield handles[start : start + 1000]
