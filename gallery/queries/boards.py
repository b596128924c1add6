"""Load boards, their covers, and the public creations on them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Row, Select, and_, or_, select, tuple_, union_all

from core.models import board_items, board_members, boards, creations, people
from gallery.queries import creations as creation_queries
from gallery.translations import gettext
from gallery.views.creations import CreationView, Page, UserView
from gallery.views.formatting import format_pictures
from gallery.views.pagination import Cursor
from gallery.views.pictures import PictureView

BOARD_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
COVER_SIZE = 4
MAX_BOARDS = 200
MAX_PICTURES = 2000
BY_CHANGE = (boards.c.changed_at, boards.c.id)
OWNER_VISIBLE = (people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
BY_COLLECTING = (board_items.c.at, board_items.c.creation_id)
BOARDS_STMT = select(
    boards.c.id,
    boards.c.name,
    boards.c.title,
    boards.c.about,
    boards.c.public,
    boards.c.unlisted,
    boards.c.size,
    boards.c.changed_at,
    people.c.id,
    people.c.username,
    people.c.name,
    people.c.avatar_key,
).join_from(boards, people, people.c.id == boards.c.person_id)


class BoardRow(NamedTuple):
    """A row of BOARDS_STMT."""

    id: int
    name: str
    title: str
    about: str
    public: bool
    unlisted: bool
    size: int
    changed_at: datetime
    person_id: int
    username: str
    person_name: str
    avatar_key: str | None


@dataclass(frozen=True, slots=True)
class BoardView:
    """One board. `cover`: its latest pictures, at most COVER_SIZE, none that is marked as sensitive."""

    id: int
    name: str
    title: str
    about: str
    public: bool
    unlisted: bool
    size: int
    changed_at: datetime
    person: UserView
    cover: list[PictureView] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the path of its page."""
        return f"/b/{self.name}"

    @property
    def size_in_words(self) -> str:
        """Return `12 pictures`, or `empty`."""
        return format_pictures(self.size, MAX_PICTURES) if self.size else gettext("empty")


@dataclass(frozen=True, slots=True)
class BoardMemberView:
    """A user who shares a board, or is invited to it."""

    person: UserView
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page of boards, and where the next one begins."""

    boards: list[BoardView]
    older: str | None


@dataclass(frozen=True, slots=True)
class BoardChoice:
    """One of a member's boards, and whether a creation is on it."""

    name: str
    title: str
    public: bool
    on: bool


@dataclass(frozen=True, slots=True)
class BoardSlot:
    """One place on a board. `creation` is None if it is not public now."""

    creation_id: int
    creation: CreationView | None


def find_board(connection: Connection, name: str, viewer_id: int | None = None) -> BoardView | None:
    """Return the board if the viewer may see it.

    It is public or unlisted and its owner is not hidden, it is their own, or they share it or are invited.
    """
    if not BOARD_NAME.fullmatch(name):
        return None
    for_all = and_(or_(boards.c.public, boards.c.unlisted), *OWNER_VISIBLE)
    is_shared = boards.c.id.in_(shared_board_ids(viewer_id, with_invitations=True))
    stmt = BOARDS_STMT.where(boards.c.name == name, or_(for_all, boards.c.person_id == viewer_id, is_shared))
    row = connection.execute(stmt).one_or_none()
    return _board_view(BoardRow._make(row)) if row else None


def list_boards(
    connection: Connection, person_id: int, *, own: bool = False, limit: int, after: Cursor | None = None
) -> BoardPage:
    """List a user's boards with their covers, last changed first. `own` includes those that others don't see, and
    those that they share.
    """
    is_own = boards.c.person_id == person_id
    if own:
        stmt = BOARDS_STMT.where(or_(is_own, boards.c.id.in_(shared_board_ids(person_id))))
    else:
        stmt = BOARDS_STMT.where(is_own, boards.c.public, *OWNER_VISIBLE)
    if after is not None:
        stmt = stmt.where(tuple_(*BY_CHANGE) < (after.published_at, after.id))
    rows = connection.execute(stmt.order_by(*(column.desc() for column in BY_CHANGE)).limit(limit + 1)).all()
    found = [_board_view(BoardRow._make(row)) for row in rows[:limit]]
    _fill_covers(connection, found)
    last = found[-1] if len(rows) > limit else None
    return BoardPage(found, str(Cursor(last.changed_at, last.id)) if last else None)


def shared_board_ids(person_id: int | None, *, with_invitations: bool = False) -> Select[int]:
    """Select the boards of others that a user shares."""
    stmt = select(board_members.c.board_id).where(board_members.c.person_id == person_id)
    return stmt if with_invitations else stmt.where(board_members.c.accepted_at.is_not(None))


def list_invitations(connection: Connection, person_id: int) -> list[BoardView]:
    """List the boards to which a user is invited, last invited first."""
    stmt = (
        BOARDS_STMT.join(board_members, board_members.c.board_id == boards.c.id)
        .where(board_members.c.person_id == person_id, board_members.c.accepted_at.is_(None), *OWNER_VISIBLE)
        .order_by(board_members.c.at.desc())
        .limit(MAX_BOARDS)
    )
    return [_board_view(BoardRow._make(row)) for row in connection.execute(stmt)]


def find_role(connection: Connection, board: BoardView, person_id: int | None) -> str:
    """Return what a user is to a board: `owner`, `member`, `invited`; empty for all others."""
    if person_id is None or board.person.id == person_id:
        return "owner" if person_id else ""
    stmt = select(board_members.c.accepted_at).where(
        board_members.c.board_id == board.id, board_members.c.person_id == person_id
    )
    row = connection.execute(stmt).one_or_none()
    return "" if row is None else "member" if row.accepted_at else "invited"


def list_members(connection: Connection, board_id: int) -> list[BoardMemberView]:
    """List the users who share a board or are invited, without hidden users, in the order of their invitation."""
    stmt = (
        select(people.c.id, people.c.username, people.c.name, people.c.avatar_key, board_members.c.accepted_at)
        .join_from(board_members, people, people.c.id == board_members.c.person_id)
        .where(board_members.c.board_id == board_id, *OWNER_VISIBLE)
        .order_by(board_members.c.at, people.c.id)
    )
    return [
        BoardMemberView(UserView(row.id, row.username, row.name, None, row.avatar_key), row.accepted_at is not None)
        for row in connection.execute(stmt)
    ]


def list_on_board(connection: Connection, board_id: int, *, limit: int, after: Cursor | None = None) -> Page:
    """List the public creations on a board, last added first."""
    stmt = _items_stmt(board_id, limit, after).join(creations, creations.c.id == board_items.c.creation_id)
    rows = connection.execute(stmt.where(creations.c.published_at.is_not(None))).all()
    shown = creation_queries.list_by_ids(connection, [row.creation_id for row in rows[:limit]])
    return Page(shown, _next_cursor(rows, limit))


def list_slots(
    connection: Connection, board_id: int, *, limit: int, after: Cursor | None = None
) -> tuple[list[BoardSlot], str | None]:
    """List all places of a board for its owner, including hidden creations, and where the next page begins."""
    rows = connection.execute(_items_stmt(board_id, limit, after)).all()
    ids = [row.creation_id for row in rows[:limit]]
    public = {creation.id: creation for creation in creation_queries.list_by_ids(connection, ids)}
    return [BoardSlot(creation_id, public.get(creation_id)) for creation_id in ids], _next_cursor(rows, limit)


def list_choices(connection: Connection, person_id: int, creation_id: int) -> list[BoardChoice]:
    """List all boards that a member owns or shares, last changed first, and whether a creation is on each."""
    here = and_(board_items.c.board_id == boards.c.id, board_items.c.creation_id == creation_id)
    stmt = (
        select(boards.c.name, boards.c.title, boards.c.public, board_items.c.creation_id.is_not(None))
        .outerjoin(board_items, here)
        .where(or_(boards.c.person_id == person_id, boards.c.id.in_(shared_board_ids(person_id))))
        .order_by(*(column.desc() for column in BY_CHANGE))
        .limit(MAX_BOARDS)
    )
    return [BoardChoice(name, title, public, bool(on)) for name, title, public, on in connection.execute(stmt)]


def _board_view(row: BoardRow) -> BoardView:
    owner = UserView(row.person_id, row.username, row.person_name, None, row.avatar_key)
    visibility = row.public, row.unlisted
    return BoardView(row.id, row.name, row.title, row.about, *visibility, row.size, row.changed_at, owner)


def _items_stmt(board_id: int, limit: int, after: Cursor | None) -> Select[int, datetime]:
    stmt = select(board_items.c.creation_id, board_items.c.at).where(board_items.c.board_id == board_id)
    if after is not None:
        stmt = stmt.where(tuple_(*BY_COLLECTING) < (after.published_at, after.id))
    return stmt.order_by(*(column.desc() for column in BY_COLLECTING)).limit(limit + 1)


def _next_cursor(rows: Sequence[Row[int, datetime]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    creation_id, added_at = rows[limit - 1]
    return str(Cursor(added_at, creation_id))


def _fill_covers(connection: Connection, shelf: Sequence[BoardView]) -> None:
    """Fill the covers with three queries for all boards: a few ids along each board's index, then their creations."""
    some = [select(_cover_stmt(board.id).subquery()) for board in shelf if board.size]
    if not some:
        return
    rows = connection.execute(union_all(*some)).all()
    by_id = {one.id: one for one in creation_queries.list_by_ids(connection, sorted({row.creation_id for row in rows}))}
    covers = {board.id: board.cover for board in shelf}
    for row in rows:
        found = by_id.get(row.creation_id)
        if found and found.pictures:
            covers[row.board_id].append(found.pictures[0])


def _cover_stmt(board_id: int) -> Select[int, int]:
    return (
        select(board_items.c.board_id, board_items.c.creation_id)
        .join(creations, creations.c.id == board_items.c.creation_id)
        .where(board_items.c.board_id == board_id, creations.c.published_at.is_not(None), ~creations.c.sensitive)
        .order_by(*(column.desc() for column in BY_COLLECTING))
        .limit(COVER_SIZE)
    )
