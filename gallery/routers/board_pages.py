"""Show boards: a member's own, the public ones of a user, and one board with its pictures."""

import secrets
from dataclasses import dataclass

from fastapi import HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from core.text import mark
from gallery.queries import boards
from gallery.queries.boards import BoardMemberView, BoardPage, BoardView
from gallery.queries.profiles import Profile, find_profile
from gallery.queries.run_query import run_query
from gallery.services.boards import BoardDraft
from gallery.services.follows import followed_among
from gallery.services.likes import liked_among
from gallery.translations import gettext
from gallery.views.creations import Page
from gallery.views.pagination import PAGE_SIZE, Cursor
from gallery.web.current_user import get_mutes, mark_no_store
from gallery.web.dependencies import CurrentUserDep, CursorDep, EngineDep, MemberDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import Member

router = page_router()
OWN_BOARDS_PATH = "/me/boards"
DONE_MESSAGES = {"deleted": mark("Board deleted."), "left": mark("You left the board.")}


@dataclass(frozen=True, slots=True)
class ShownBoard:
    """A board as the current user sees it."""

    board: BoardView
    page: Page
    liked: set[int]
    role: str
    members: list[BoardMemberView]

    @property
    def hidden_count(self) -> int:
        """Return how many of its creations are not public. Known only if all of them fit on one page."""
        return max(0, self.board.size - len(self.page.creations)) if self.page.older is None else 0


@router.get(OWN_BOARDS_PATH)
async def own_boards_page(
    request: Request, member: MemberDep, cursor: CursorDep, engine: EngineDep, done: str = ""
) -> Response:
    """Show a member's boards, and the form for a new one."""
    message = gettext(DONE_MESSAGES.get(done, ""))
    return await render_own_boards(request, engine, member, cursor, BoardDraft(), message=message)


@router.get("/b/{name}")
async def board_page(
    request: Request, name: str, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """Show one board with its pictures."""
    viewer_id = user.person.id if user.person else None

    def load(connection: Connection) -> ShownBoard | None:
        board = boards.find_board(connection, name, viewer_id)
        if board is None:
            return None
        page = boards.list_on_board(connection, board.id, limit=PAGE_SIZE, after=cursor)
        liked = liked_among(connection, viewer_id, [shown.id for shown in page.creations])
        members = [one for one in boards.list_members(connection, board.id) if one.is_accepted]
        return ShownBoard(board, page, liked, boards.find_role(connection, board, viewer_id), members)

    shown = await run_query(engine, load)
    if shown is None:
        raise HTTPException(404)
    if not shown.board.public and (shown.role or not shown.board.unlisted):
        mark_no_store(request)
    return await render_page(
        request,
        "board.html",
        board=shown.board,
        page=shown.page,
        liked=shown.liked,
        hidden_count=shown.hidden_count if cursor is None else 0,
        role=shown.role,
        members=shown.members,
        path=shown.board.path,
        is_first=cursor is None,
    )


@router.get("/@{handle}/boards")
async def profile_boards_page(
    request: Request, handle: str, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """Show a user's public boards, as a tab of their page."""
    viewer_id = user.person.id if user.person else None
    loaded = await run_query(engine, _load_profile_boards, handle, viewer_id, cursor)
    if loaded is None:
        raise HTTPException(404)
    profile, page, is_following = loaded
    return await render_page(
        request,
        "person.html",
        profile=profile,
        person=profile.person,
        total=profile.total,
        boards=page.boards,
        page=Page([], page.older),
        liked=set(),
        following=is_following,
        is_muted=profile.person.id in (await get_mutes(request)).people,
        tab="/boards",
        path=f"{profile.person.path}/boards",
        is_first=cursor is None,
    )


async def render_own_boards(
    request: Request,
    engine: Engine,
    member: Member,
    cursor: Cursor | None,
    draft: BoardDraft,
    *,
    errors: dict[str, str] | None = None,
    message: str = "",
) -> Response:
    """Render the page of a member's boards, with a draft of a new one and what is wrong with it."""
    page = await run_query(engine, boards.list_boards, member.id, own=True, limit=PAGE_SIZE, after=cursor)
    invitations = await run_query(engine, boards.list_invitations, member.id) if cursor is None else []
    mutes = await get_mutes(request)
    return await render_page(
        request,
        "boards.html",
        status=422 if errors else 200,
        page=page,
        invitations=[board for board in invitations if board.person.id not in mutes.people],
        draft=draft,
        errors=errors or {},
        idempotency_key=secrets.token_urlsafe(12),
        is_first=cursor is None,
        message=message,
    )


def _load_profile_boards(
    connection: Connection, handle: str, viewer_id: int | None, cursor: Cursor | None
) -> tuple[Profile, BoardPage, bool] | None:
    profile = find_profile(connection, handle)
    if profile is None:
        return None
    page = boards.list_boards(connection, profile.person.id, limit=PAGE_SIZE, after=cursor)
    return profile, page, bool(followed_among(connection, viewer_id, [profile.person.id]))
