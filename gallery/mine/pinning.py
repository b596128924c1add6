"""Boards as they are written: made, changed, deleted; pictures put on them and taken off, each with its count.

The row of a board is held first, in the order of ids: two who put and take at the same time wait for each other, and
a board that is deleted meanwhile is no error. Knows no HTTP.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.database import insert_new, transaction, unlocked
from core.models import boards, collected, creations, people
from core.text import tidy
from core.unsafe import why_unsafe
from gallery.mine.boards import MOST_BOARDS, MOST_ON_ONE

LONGEST_TITLE = 100
LONGEST_ABOUT = 1000
LONGEST_ONCE = 40


class NotDone(Exception):
    """What a member wants does not go, with the reason in plain words."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody calls a board, as typed."""

    title: str = ""
    about: str = ""
    public: bool = True

    @property
    def wrong(self) -> dict[str, str]:
        """For each wrong field what is wrong with it."""
        told = {"title": _wrong(tidy(self.title), LONGEST_TITLE), "about": _wrong(tidy(self.about), LONGEST_ABOUT)}
        if not tidy(self.title):
            told["title"] = "Give it a name."
        return {name: words for name, words in told.items() if words}

    @property
    def values(self) -> dict[str, object]:
        """What is written: without invisible characters; the lines of `about` stay lines."""
        lines = (tidy(line) for line in self.about.splitlines())
        about = "\n".join(line for line in lines if line)
        return {"title": tidy(self.title), "about": about, "public": self.public}


@dataclass(frozen=True, slots=True)
class Wish:
    """On which boards a creation shall be and on which no more, by their names; and a new one for it."""

    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    new: Draft | None = None
    once: str = ""


@unlocked
def make(engine: Engine, person_id: int, draft: Draft, once: str) -> str:
    """A new board; sent twice it is one. Returns its name. Raises NotDone where a member has too many."""
    with transaction(engine) as session:
        return str(_make(session, person_id, draft, once).name)


def change(engine: Engine, person_id: int, name: str, draft: Draft) -> bool:
    """Call a board otherwise. Returns whether it is theirs."""
    theirs = and_(boards.c.person_id == person_id, boards.c.name == name)
    with transaction(engine) as session:
        changed = session.execute(update(boards).where(theirs).values(**draft.values).returning(boards.c.id))
        return changed.first() is not None


@unlocked
def remove(engine: Engine, person_id: int, name: str, creation_ids: Sequence[int]) -> int | None:
    """Take pictures off a board. Returns how many were on it, None where the board is not theirs."""
    with transaction(engine) as session:
        held = _hold(session, person_id, [name])
        return sum(_take_off(session, row.id, creation_ids) for row in held) if held else None


@unlocked
def remove_board(engine: Engine, person_id: int, name: str) -> bool:
    """Delete a board; what was on it stays where it is. Returns whether it was theirs and there."""
    with transaction(engine) as session:
        for row in _hold(session, person_id, [name]):
            session.execute(delete(collected).where(collected.c.board_id == row.id))
            session.execute(delete(boards).where(boards.c.id == row.id))
            return True
        return False


@unlocked
def collect(engine: Engine, person_id: int, creation_id: int, wish: Wish) -> tuple[list[str], list[str]] | None:
    """Put a creation on boards and take it off others. Names that are no board of theirs are nothing.

    Returns the titles of those it was put on and taken off; None where there is no creation to put. Raises NotDone.
    """
    with transaction(engine) as session:
        if (wish.on or wish.new) and not may_collect(session.connection(), person_id, creation_id):
            return None
        new = _make(session, person_id, wish.new, wish.once) if wish.new else None
        held = _hold(session, person_id, [*wish.on, *wish.off, *([new.name] if new else [])])
        put, taken = [], []
        for row in held:
            if row.name in wish.off and _take_off(session, row.id, [creation_id]):
                taken.append(row.title)
            elif row.name not in wish.off and _put_on(session, row, creation_id):
                put.append(row.title)
        return put, taken


def may_collect(connection: Connection, person_id: int, creation_id: int) -> bool:
    """Whether there is something to put on a board: what hangs, and what is one's own."""
    own = and_(creations.c.person_id == person_id, creations.c.painted_at.is_not(None))
    seen: ColumnElement[bool] = or_(creations.c.shown_at.is_not(None), own)
    wanted = select(creations.c.id).where(creations.c.id == creation_id, creations.c.deleted_at.is_(None), seen)
    return connection.execute(wanted).first() is not None


def _make(session: Session, person_id: int, draft: Draft, once: str) -> Any:
    """The row of a new board, or of the one that this sending of the form made."""
    # Whoever makes two at once makes them one after the other: the limit holds.
    session.execute(select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)).one()
    key = f"{person_id}:{once[:LONGEST_ONCE] or secrets.token_urlsafe(12)}"
    known = select(boards.c.id, boards.c.name).where(boards.c.once == key)
    found = session.execute(known).first()
    if found is not None:
        return found
    owned = session.execute(select(func.count()).where(boards.c.person_id == person_id)).scalar_one()
    if owned >= MOST_BOARDS:
        raise NotDone(f"You have {MOST_BOARDS} boards, and that is the most. Delete one first.")
    moment = now()
    values = {**draft.values, "person_id": person_id, "name": secrets.token_urlsafe(12), "size": 0, "once": key}
    insert_new(session, boards, **values, created_at=moment, changed_at=moment)
    return session.execute(known).one()


def _hold(session: Session, person_id: int, names: Sequence[str]) -> Sequence[Any]:
    wanted = select(boards.c.id, boards.c.name, boards.c.title)
    theirs = wanted.where(boards.c.person_id == person_id, boards.c.name.in_(sorted(set(names))))
    return session.execute(theirs.order_by(boards.c.id).with_for_update()).all()


def _put_on(session: Session, board: Any, creation_id: int) -> bool:
    if not insert_new(session, collected, board_id=board.id, creation_id=creation_id, at=now()):
        return False
    with_room = update(boards).where(boards.c.id == board.id, boards.c.size < MOST_ON_ONE)
    counted = session.execute(with_room.values(size=boards.c.size + 1, changed_at=now()).returning(boards.c.id))
    if counted.first() is None:
        raise NotDone(f"“{board.title}” is full: a board has room for {MOST_ON_ONE:,} pictures.")
    return True


def _take_off(session: Session, board_id: int, creation_ids: Sequence[int]) -> int:
    on = (collected.c.board_id == board_id, collected.c.creation_id.in_(creation_ids))
    gone = len(session.execute(delete(collected).where(*on).returning(collected.c.creation_id)).all())
    if gone:
        counted = update(boards).where(boards.c.id == board_id)
        session.execute(counted.values(size=boards.c.size - gone, changed_at=now()))
    return gone


def _wrong(text: str, longest: int) -> str:
    if len(text) > longest:
        return f"These are {len(text):,} characters; there is room for {longest:,}."
    return "These words do not hang here. Please say it another way." if why_unsafe(text) else ""
