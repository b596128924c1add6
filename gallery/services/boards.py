"""Write boards: create, update and delete them, add pictures and remove them, and keep their sizes right.

Each change first locks the rows of its boards in the order of their ids, so concurrent changes wait for each other. A
board that was deleted in the meantime is no error.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, delete, func, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import board_items, board_members, boards, creations, notifications, people
from core.text import tidy
from gallery.queries.boards import MAX_BOARDS, MAX_PICTURES, shared_board_ids
from gallery.services.text_rules import text_error
from gallery.translations import format_number, gettext

MAX_TITLE_LENGTH = 100
MAX_ABOUT_LENGTH = 1000
MAX_KEY_LENGTH = 40


class BoardRejected(Exception):
    """A change of boards that is not allowed, with the reason for the member."""


@dataclass(frozen=True, slots=True)
class BoardDraft:
    """Title, description and visibility of a board, as typed. `unlisted`: open to all who know its address."""

    title: str = ""
    about: str = ""
    public: bool = True
    unlisted: bool = False

    @property
    def errors(self) -> dict[str, str]:
        """Return a message for each wrong field."""
        errors = {
            "title": text_error(tidy(self.title), MAX_TITLE_LENGTH)
            or ("" if tidy(self.title) else gettext("Enter a name.")),
            "about": text_error(tidy(self.about), MAX_ABOUT_LENGTH),
        }
        return {name: message for name, message in errors.items() if message}

    @property
    def values(self) -> dict[str, object]:
        """Return the columns to write: without invisible characters; `about` keeps its lines."""
        lines = (tidy(line) for line in self.about.splitlines())
        about = "\n".join(line for line in lines if line)
        visibility = {"public": self.public, "unlisted": self.unlisted and not self.public}
        return {"title": tidy(self.title), "about": about, **visibility}


@dataclass(frozen=True, slots=True)
class BoardSelection:
    """The boards to add a creation to (`on`) and to remove it from (`off`), by name, and a new board for it."""

    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    new: BoardDraft | None = None
    idempotency_key: str = ""


class _BoardRow(NamedTuple):
    id: int
    name: str
    title: str


@retry_on_deadlock
def create_board(engine: Engine, person_id: int, draft: BoardDraft, idempotency_key: str) -> str:
    """Create a board, once per idempotency key. Return its name. Raises BoardRejected if the member has too many."""
    with write_session(engine) as session:
        return _create(session, person_id, draft, idempotency_key)


def update_board(engine: Engine, person_id: int, name: str, draft: BoardDraft) -> str | None:
    """Change a board. Return its name, or None if the member does not own it.

    A public board that becomes unlisted gets a new name: everybody could see the former one.
    """
    owned = and_(boards.c.person_id == person_id, boards.c.name == name)
    values = draft.values
    if draft.values["unlisted"]:
        values["name"] = case((boards.c.public, _new_name()), else_=boards.c.name)
    with write_session(engine) as session:
        changed = session.execute(update(boards).where(owned).values(**values).returning(boards.c.name))
        return changed.scalar_one_or_none()


def rename_link(engine: Engine, person_id: int, name: str) -> str | None:
    """Give a board a new address; the former one is not found any more. Return its new name, or None as above."""
    owned = and_(boards.c.person_id == person_id, boards.c.name == name)
    with write_session(engine) as session:
        changed = session.execute(update(boards).where(owned).values(name=_new_name()).returning(boards.c.name))
        return changed.scalar_one_or_none()


@retry_on_deadlock
def remove_from_board(engine: Engine, person_id: int, name: str, creation_ids: Sequence[int]) -> list[int] | None:
    """Remove pictures from a board. Return which were on it, or None if the member may not change it."""
    with write_session(engine) as session:
        locked = _lock_boards(session, person_id, [name])
        return _remove_items(session, locked[0].id, creation_ids) if locked else None


@retry_on_deadlock
def add_to_board(engine: Engine, person_id: int, name: str, creation_ids: Sequence[int]) -> int | None:
    """Add pictures to a board. Return how many are new on it, or None if the member may not change it.

    Ignore pictures that cannot be added. Raises BoardRejected if the board is full.
    """
    with write_session(engine) as session:
        for board in _lock_boards(session, person_id, [name]):
            addable = [one for one in creation_ids if can_add_to_board(session.connection(), person_id, one)]
            return sum(_add_item(session, board, creation_id) for creation_id in addable)
        return None


@retry_on_deadlock
def delete_board(engine: Engine, person_id: int, name: str) -> bool:
    """Delete a board, but not the creations on it. Return whether the member owned it."""
    with write_session(engine) as session:
        for board in _lock_boards(session, person_id, [name], owned=True):
            session.execute(delete(board_items).where(board_items.c.board_id == board.id))
            session.execute(delete(board_members).where(board_members.c.board_id == board.id))
            session.execute(delete(notifications).where(notifications.c.board_id == board.id))
            session.execute(delete(boards).where(boards.c.id == board.id))
            return True
        return False


@retry_on_deadlock
def set_boards(
    engine: Engine, person_id: int, creation_id: int, selection: BoardSelection
) -> tuple[list[str], list[str]] | None:
    """Add a creation to boards and remove it from others. Ignore names of boards that the member may not change.

    Return the titles of the boards it was added to and removed from, or None if the creation cannot be added.
    Raises BoardRejected if a board is full, or the member has too many.
    """
    with write_session(engine) as session:
        needs_creation = selection.on or selection.new
        if needs_creation and not can_add_to_board(session.connection(), person_id, creation_id):
            return None
        new = [_create(session, person_id, selection.new, selection.idempotency_key)] if selection.new else []
        added, removed = [], []
        for board in _lock_boards(session, person_id, [*selection.on, *selection.off, *new]):
            if board.name in selection.off and _remove_items(session, board.id, [creation_id]):
                removed.append(board.title)
            elif board.name not in selection.off and _add_item(session, board, creation_id):
                added.append(board.title)
        return added, removed


def can_add_to_board(connection: Connection, person_id: int, creation_id: int) -> bool:
    """Return whether a creation can go on the member's boards: it is public, or their own."""
    is_own = and_(creations.c.person_id == person_id, creations.c.painted_at.is_not(None))
    is_visible: ColumnElement[bool] = or_(creations.c.published_at.is_not(None), is_own)
    stmt = select(creations.c.id).where(creations.c.id == creation_id, creations.c.deleted_at.is_(None), is_visible)
    return connection.execute(stmt).first() is not None


def _create(session: Session, person_id: int, draft: BoardDraft, idempotency_key: str) -> str:
    """Return the name of a new board, or of the one that this idempotency key created."""
    # Creations of one member wait for each other here, so the limit holds.
    session.execute(select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)).one()
    key = f"{person_id}:{idempotency_key[:MAX_KEY_LENGTH] or secrets.token_urlsafe(12)}"
    existing = select(boards.c.name).where(boards.c.idempotency_key == key)
    if (name := session.execute(existing).scalar_one_or_none()) is not None:
        return str(name)
    owned = session.execute(select(func.count()).where(boards.c.person_id == person_id)).scalar_one()
    if owned >= MAX_BOARDS:
        raise BoardRejected(
            gettext("You have %(num)s boards, the most you can have. Delete one first.", num=MAX_BOARDS)
        )
    created_at = now()
    values = {
        **draft.values,
        "person_id": person_id,
        "name": _new_name(),
        "size": 0,
        "idempotency_key": key,
    }
    insert_if_absent(session, boards, **values, created_at=created_at, changed_at=created_at)
    return str(session.execute(existing).scalar_one())


def _new_name() -> str:
    """Return 96 random bits: whoever knows the address of an unlisted board can open it."""
    return secrets.token_urlsafe(12)


def _lock_boards(session: Session, person_id: int, names: Sequence[str], *, owned: bool = False) -> list[_BoardRow]:
    """Lock those of the boards that the member owns or, unless `owned`, shares."""
    is_own = boards.c.person_id == person_id
    stmt = (
        select(boards.c.id, boards.c.name, boards.c.title)
        .where(is_own if owned else or_(is_own, boards.c.id.in_(shared_board_ids(person_id))))
        .where(boards.c.name.in_(sorted(set(names))))
        .order_by(boards.c.id)
        .with_for_update()
    )
    return [_BoardRow(row.id, row.name, row.title) for row in session.execute(stmt)]


def _add_item(session: Session, board: _BoardRow, creation_id: int) -> bool:
    if not insert_if_absent(session, board_items, board_id=board.id, creation_id=creation_id, at=now()):
        return False
    has_room = update(boards).where(boards.c.id == board.id, boards.c.size < MAX_PICTURES)
    counted = session.execute(has_room.values(size=boards.c.size + 1, changed_at=now()).returning(boards.c.id))
    if counted.first() is None:
        raise BoardRejected(
            gettext(
                "“%(title)s” is full: a board holds up to %(num)s pictures.",
                title=board.title,
                num=format_number(MAX_PICTURES),
            )
        )
    return True


def _remove_items(session: Session, board_id: int, creation_ids: Sequence[int]) -> list[int]:
    """Remove creations from a board. Return which were on it."""
    items = (board_items.c.board_id == board_id, board_items.c.creation_id.in_(creation_ids))
    removed = list(session.execute(delete(board_items).where(*items).returning(board_items.c.creation_id)).scalars())
    if removed:
        counted = update(boards).where(boards.c.id == board_id)
        session.execute(counted.values(size=boards.c.size - len(removed), changed_at=now()))
    return removed
