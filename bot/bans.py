"""Ban people and take it back: by handle or id, also people this instance has never heard. With reason, list and date.

A ban means: the bot does not answer them, nothing is painted for them, and they cannot sign in. Their pictures stay in
the gallery unless the ban hides them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.clock import now
from core.database import reading, transaction, unlocked
from core.errors import HouseError
from core.forgetting import leave_alone
from core.models import creations, people
from core.people import Ask, Found, Shown, UnknownPerson, find_person, is_id, record_people
from core.text import clean, clip
from core.visibility import conceal, show
from core.x import Author

MAX_REASON_LENGTH = 500


@dataclass(frozen=True)
class Banned:
    """One ban. `creations`: what they made and did not delete; `shown`: how much of it the gallery shows."""

    id: int
    username: str
    reason: str
    banned_at: datetime
    hides: bool
    creations: int = 0
    shown: int = 0

    @property
    def called(self) -> str:
        """`@ada (id 7)`, or `id 7` if no handle is known."""
        return Found(self.id, self.username, None, is_sure=True).called

    def as_json(self) -> dict[str, Any]:
        """For scripts. The id is a string: it is larger than JavaScript's numbers."""
        return {
            "id": str(self.id),
            "username": None if self.username == str(self.id) else self.username,
            "banned_at": self.banned_at.isoformat(),
            "reason": self.reason or None,
            "hides": self.hides,
            "creations": self.creations,
            "shown": self.shown,
        }


def ban(engine: Engine, called: str, *, reason: str = "", hide: bool = False, ask: Ask | None = None) -> Banned:
    """Ban a person. Again: the reason and hiding are changed, the date stays.

    Args:
        hide: also take what they made out of sight, until `unban`.
        ask: asks X whose handle it is. Needed for somebody who is not known here by this handle.

    Raises: HouseError if nobody can be found, or the handle changed hands.
    """
    person_id = _known_or_new(engine, called, ask)
    _ban(engine, person_id, clip(clean(reason.strip()), MAX_REASON_LENGTH), hide)
    return next(bans(engine, person_id))


def unban(engine: Engine, called: str, ask: Ask | None = None) -> Found:
    """Listen to this person again, and show again what only the ban hid. Raises HouseError if they are not banned."""
    found = find_person(engine, called, ask)
    if found.banned_at is None:
        raise HouseError(f"{found.called} is not banned")
    _unban(engine, found.id)
    return found


def bans(engine: Engine, person_id: int | None = None) -> Iterator[Banned]:
    """Who is banned, the latest first."""
    wanted = select(people).where(people.c.banned_at.is_not(None)).order_by(people.c.banned_at.desc(), people.c.id)
    if person_id is not None:
        wanted = wanted.where(people.c.id == person_id)
    with reading(engine) as connection:
        for row in connection.execute(wanted).all():
            counted = select(func.count(), func.count(creations.c.shown_at)).where(
                creations.c.person_id == row.id, creations.c.deleted_at.is_(None), creations.c.painted_at.is_not(None)
            )
            made, shown = connection.execute(counted).one()
            yield Banned(row.id, row.username, row.ban_reason or "", row.banned_at, row.ban_hides, made, shown)


def _known_or_new(engine: Engine, called: str, ask: Ask | None) -> int:
    """The id of whom is meant. A person this instance has not heard yet gets a row."""
    try:
        return find_person(engine, called, ask).id
    except UnknownPerson as unknown:
        new = _unknown(called.strip(), unknown)
    with transaction(engine) as session:
        record_people(session, [new])
    return new.id


def _unknown(called: str, why: UnknownPerson) -> Shown:
    """The person as X shows them, or only an id. Raises HouseError if there is neither."""
    if why.shown is not None:
        return why.shown
    if is_id(called):
        return Author(int(called), "", "")
    if why.is_asked:
        raise HouseError(f"{why}, and X shows nobody with that handle") from why
    raise HouseError(f"{why}, and X cannot be asked (no keys, or no answer); say the id on X") from why


@unlocked
def _ban(engine: Engine, person_id: int, reason: str, hide: bool) -> None:
    theirs = people.c.id == person_id
    with transaction(engine) as session:
        session.execute(update(people).where(theirs).values(banned_at=func.coalesce(people.c.banned_at, now())))
        if reason:
            session.execute(update(people).where(theirs).values(ban_reason=reason))
        if hide:
            hidden_at = func.coalesce(people.c.hidden_at, people.c.banned_at)
            session.execute(update(people).where(theirs).values(ban_hides=True, hidden_at=hidden_at))
            conceal(session, creations.c.person_id == person_id)
        leave_alone(session, person_id, "banned")


@unlocked
def _unban(engine: Engine, person_id: int) -> None:
    theirs = people.c.id == person_id
    with transaction(engine) as session:
        if _hidden_by_ban_alone(session, person_id):
            session.execute(update(people).where(theirs).values(hidden_at=None))
            show(session, creations.c.person_id == person_id)
        session.execute(update(people).where(theirs).values(banned_at=None, ban_reason=None, ban_hides=False))


def _hidden_by_ban_alone(session: Session, person_id: int) -> bool:
    row = session.execute(select(people).where(people.c.id == person_id)).one()
    return bool(row.ban_hides and row.hidden_at == row.banned_at)
