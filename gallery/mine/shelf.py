"""The pages of boards: one's own, somebody's, and one board with what hangs on it. Knows no SQL."""

import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from gallery import queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, After, after_in
from gallery.mine import boards
from gallery.mine.boards import BoardShown, Shelf
from gallery.mine.pinning import Draft
from gallery.shown import Page
from gallery.signing.visitor import keep_nowhere, member_of, visitor_of
from gallery.social.follows import followed_among
from gallery.social.likes import liked_among
from gallery.social.profiles import Profile, profile_called

OWN_BOARDS = "/me/boards"


@dataclass(frozen=True, slots=True)
class Seen:
    """A board as one visitor sees it."""

    board: BoardShown
    page: Page
    liked: set[int]


async def own_boards(request: Request) -> Response:
    """A member's boards, and the form for a new one."""
    return await draw_own_boards(request, Draft())


async def draw_own_boards(request: Request, draft: Draft, *, wrong: dict[str, str] | None = None) -> Response:
    """The page of one's own boards, with what was typed and what is wrong with it."""
    member = await member_of(request)
    after = after_in(request.query_params)
    question = partial(boards.boards_of, person_id=member.id, own=True, limit=PAGE_SIZE, after=after)
    shelf = await queries.ask(house_of(request).engine, question)
    return await draw(
        request,
        "boards.html",
        status=422 if wrong else 200,
        shelf=shelf,
        draft=draft,
        wrong=wrong or {},
        once=secrets.token_urlsafe(12),
        is_first=after is None,
        said="The board is deleted." if request.query_params.get("did") == "deleted" else "",
    )


async def board(request: Request) -> Response:
    """One board: what it is about, by whom, and its pictures."""
    after = after_in(request.query_params)
    visitor = await visitor_of(request)
    viewer_id, name = visitor.person.id if visitor.person else None, str(request.path_params["name"])

    def question(connection: Connection) -> Seen | None:
        found = boards.board_named(connection, name, viewer_id)
        if found is None:
            return None
        page = boards.on_board(connection, found.id, limit=PAGE_SIZE, after=after)
        return Seen(found, page, liked_among(connection, viewer_id, [one.id for one in page.creations]))

    seen = await queries.ask(house_of(request).engine, question)
    if seen is None:
        raise HTTPException(404)
    if not seen.board.public:
        keep_nowhere(request)
    facts = {"board": seen.board, "page": seen.page, "liked": seen.liked, "is_first": after is None}
    return await _draw_board(request, seen, visitor.owns(seen.board.person.id), facts)


async def _draw_board(request: Request, seen: Seen, is_own: bool, facts: dict[str, Any]) -> Response:
    # Where all of it is on this page, one can say how many there are to see.
    whole = facts["is_first"] and seen.page.older is None
    away = max(0, seen.board.size - len(seen.page.creations)) if whole else 0
    return await draw(request, "board.html", **facts, is_own=is_own, away=away, path=seen.board.path)


async def boards_of(request: Request) -> Response:
    """The boards that somebody shows to everybody: a tab of their page."""
    handle, after = str(request.path_params["handle"]), after_in(request.query_params)
    visitor = await visitor_of(request)
    viewer_id = visitor.person.id if visitor.person else None
    found = await queries.ask(
        house_of(request).engine, partial(_shelf_of, handle=handle, viewer_id=viewer_id, after=after)
    )
    if found is None:
        raise HTTPException(404)
    profile, shelf, following = found
    told: dict[str, Any] = {"profile": profile, "person": profile.person, "total": profile.total, "shelf": shelf}
    page, path = Page([], shelf.older), f"{profile.person.path}/boards"
    told |= {"following": following, "liked": set(), "page": page, "path": path, "is_first": after is None}
    return await draw(request, "person.html", **told, tab="/boards")


def _shelf_of(
    connection: Connection, handle: str, viewer_id: int | None, after: After | None
) -> tuple[Profile, Shelf, bool] | None:
    profile = profile_called(connection, handle)
    if profile is None:
        return None
    shelf = boards.boards_of(connection, profile.person.id, limit=PAGE_SIZE, after=after)
    return profile, shelf, bool(followed_among(connection, viewer_id, [profile.person.id]))
