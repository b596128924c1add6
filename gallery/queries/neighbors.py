"""Find the next and the previous public creation in the order of a feed, and a random one.

Feeds show the newest first: the next creation is older. Each query reads one row beside the creation along an index.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, tuple_

from core import search_index, search_query
from core.models import board_items, creations, follows, likes
from core.search_newer import find_newer
from gallery.queries import creations as creation_queries
from gallery.queries.boards import find_board
from gallery.queries.following_feed import MAX_FOLLOWED
from gallery.views.creations import CreationView
from gallery.views.origins import Origin, OriginKind
from gallery.views.pagination import parse_id

IS_PUBLIC = creations.c.published_at.is_not(None)
BY_TIME = (creations.c.published_at, creations.c.id)
# Not all creations of a window of ids are public: as many windows are tried.
RANDOM_TRIES, WINDOW = 5, 50

Columns = Sequence[ColumnElement[Any]]


def find_neighbor(
    connection: Connection, here: CreationView, origin: Origin, *, is_next: bool, viewer_id: int | None = None
) -> int | None:
    """Return the id of the neighbor in a feed of any kind but TOP; None at its end, or if the feed is gone."""
    match origin.kind:
        case OriginKind.SEARCH:
            return _find_in_search(connection, here.id, origin.value, is_next=is_next)
        case OriginKind.LIKES:
            return _find_in_likes(connection, here.id, origin.value, is_next=is_next)
        case OriginKind.BOARD:
            return _find_on_board(connection, here.id, origin.value, viewer_id, is_next=is_next)
        case OriginKind.FOLLOWING if viewer_id is not None:
            return connection.execute(_followed_stmt(viewer_id, _place_of(here), is_next=is_next)).scalar()
    condition = _condition(connection, origin)
    if condition is None:
        return None
    stmt = select(creations.c.id).where(IS_PUBLIC, *condition)
    return connection.execute(_beside(stmt, BY_TIME, _place_of(here), is_next=is_next)).scalar()


def list_around(connection: Connection, here: CreationView, *, limit: int) -> list[CreationView]:
    """Return up to `limit` other public creations of the same author, newest first: those nearest in time."""
    of_author = select(creations.c.id).where(IS_PUBLIC, creations.c.person_id == here.person.id)
    newer, older = (
        list(connection.execute(_beside(of_author, BY_TIME, _place_of(here), is_next=is_next, limit=limit)).scalars())
        for is_next in (False, True)
    )
    first = max(limit // 2, limit - len(older))
    return creation_queries.list_by_ids(connection, [*reversed(newer[:first]), *older][:limit])


def pick_random(connection: Connection, *, excluded_id: int = 0) -> int | None:
    """Return the id of a public creation that is not sensitive; None if there seems to be none.

    Ids are nearly dense, so it is one of those in a random window of ids: that costs the same in any table.
    """
    last_id = connection.execute(select(func.max(creations.c.id))).scalar() or 0
    # Windows that begin before the first id give it the chance of all others.
    starts = [random.randint(2 - WINDOW, max(1, last_id)) for _ in range(RANDOM_TRIES)]  # noqa: S311  # no secret
    for start in [*starts, last_id - WINDOW + 1, 1]:
        ids = [creation_id for creation_id in _list_public(connection, start) if creation_id != excluded_id]
        if ids:
            return random.choice(ids)  # noqa: S311
    return None


def _list_public(connection: Connection, start: int) -> list[int]:
    """Return the public creations without sensitive pictures in the window of ids that begins at `start`."""
    stmt = select(creations.c.id).where(creations.c.id.between(start, start + WINDOW - 1))
    return list(connection.execute(stmt.where(IS_PUBLIC, ~creations.c.sensitive)).scalars())


def _place_of(here: CreationView) -> tuple[object, int]:
    """Return its place in feeds by time. Authors also see their hidden creations, which have none of their own."""
    return here.published_at or here.created_at, here.id


def _condition(connection: Connection, origin: Origin) -> tuple[ColumnElement[bool], ...] | None:
    """Return what limits the newest creations to this feed; None if there is no such feed."""
    if origin.kind == OriginKind.REMIXES:
        return (creations.c.parent_id == parse_id(origin.value),)
    if origin.kind == OriginKind.PERSON:
        person = creation_queries.find_user_by_handle(connection, origin.value)
        return (creations.c.person_id == person.id,) if person else None
    return ()


def _beside(stmt: Select[Any], key: Columns, place: Sequence[object], *, is_next: bool, limit: int = 1) -> Select[Any]:
    """Return the statement for the rows beside a place in the order of `key`, nearest first."""
    columns = tuple_(*key)
    stmt = stmt.where(columns < tuple_(*place) if is_next else columns > tuple_(*place))
    return stmt.order_by(*(column.desc() if is_next else column for column in key)).limit(limit)


def _find_in_search(connection: Connection, here_id: int, words: str, *, is_next: bool) -> int | None:
    terms = search_index.parse_query(words)
    # As the page of results: prefixes count only if no creation has the words themselves.
    prefix = search_query.find(connection, terms, limit=1).is_empty
    if not is_next:
        return find_newer(connection, terms, after=here_id, prefix=prefix)
    return next(iter(search_query.find(connection, terms, limit=1, before=here_id, prefix=prefix).ids), None)


def _find_in_likes(connection: Connection, here_id: int, handle: str, *, is_next: bool) -> int | None:
    person = creation_queries.find_user_by_handle(connection, handle)
    if person is None:
        return None
    return _find_in_list(connection, likes, likes.c.person_id == person.id, here_id, is_next=is_next)


def _find_on_board(
    connection: Connection, here_id: int, name: str, viewer_id: int | None, *, is_next: bool
) -> int | None:
    board = find_board(connection, name, viewer_id)
    if board is None:
        return None
    is_here = board_items.c.board_id == board.id
    return _find_in_list(connection, board_items, is_here, here_id, is_next=is_next)


def _find_in_list(
    connection: Connection, items: Table, is_in: ColumnElement[bool], here_id: int, *, is_next: bool
) -> int | None:
    """Find a neighbor in a list of creations that is sorted by when each was added."""
    at = connection.execute(select(items.c.at).where(is_in, items.c.creation_id == here_id)).scalar()
    if at is None:
        return None
    stmt = select(items.c.creation_id).join(creations, creations.c.id == items.c.creation_id).where(is_in, IS_PUBLIC)
    key = (items.c.at, items.c.creation_id)
    return connection.execute(_beside(stmt, key, (at, here_id), is_next=is_next)).scalar()


def _followed_stmt(viewer_id: int, place: Sequence[object], *, is_next: bool) -> Select[Any]:
    """Return the statement for the neighbor among creations of followed users: one lookup for each of these."""
    followed = (
        select(follows.c.followed_id)
        .where(follows.c.follower_id == viewer_id)
        .order_by(follows.c.at.desc(), follows.c.followed_id.desc())
        .limit(MAX_FOLLOWED)
        .subquery()
    )
    of_user = select(creations.c.id).where(IS_PUBLIC, creations.c.person_id == followed.c.followed_id)
    nearest = _beside(of_user, BY_TIME, place, is_next=is_next).scalar_subquery().label("id")
    nearest_ids = select(nearest).select_from(followed).subquery()
    order: Callable[[ColumnElement[Any]], Any] = (lambda column: column.desc()) if is_next else (lambda column: column)
    return (
        select(creations.c.id)
        .join(nearest_ids, nearest_ids.c.id == creations.c.id)
        .order_by(*(order(column) for column in BY_TIME))
        .limit(1)
    )
