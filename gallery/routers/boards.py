"""Create, edit and delete boards, and choose the boards of a creation."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from gallery.queries import boards, creations
from gallery.queries.boards import BoardChoice, BoardView
from gallery.queries.run_query import run_query
from gallery.routers.board_forms import (
    MAX_IDS,
    BoardFormDep,
    DeleteFormDep,
    LinkFormDep,
    RemoveFormDep,
    SelectionFormDep,
)
from gallery.routers.board_pages import OWN_BOARDS_PATH, render_own_boards
from gallery.services import boards as board_service
from gallery.services.boards import BoardDraft, BoardRejected
from gallery.translations import gettext, ngettext
from gallery.views.creations import CreationView
from gallery.views.pagination import PAGE_SIZE, Cursor, InvalidParameter
from gallery.web.dependencies import CursorDep, EngineDep, MemberDep, QueryId
from gallery.web.flash import Flash, offer_undo
from gallery.web.forms import form_response, own_path, safe_next_url
from gallery.web.pages import page_router, render_page
from gallery.web.users import Member

router = page_router()


async def get_own_board(member: MemberDep, name: str, engine: EngineDep) -> BoardView:
    """Return a board of the member. Raises HTTPException: 404, or 403 if another user owns it."""
    return (await _find_with_role(member, name, engine, {"owner"})).board


async def get_editable_board(member: MemberDep, name: str, engine: EngineDep) -> "EditableBoard":
    """Return a board that the member owns or shares. Raises HTTPException: 404, or 403 if they do neither."""
    return await _find_with_role(member, name, engine, {"owner", "member"})


@dataclass(frozen=True, slots=True)
class EditableBoard:
    """A board, and whether the member owns it."""

    board: BoardView
    is_own: bool


async def _find_with_role(member: Member, name: str, engine: Engine, roles: set[str]) -> EditableBoard:
    def load(connection: Connection) -> tuple[BoardView, str] | None:
        board = boards.find_board(connection, name, member.id)
        return (board, boards.find_role(connection, board, member.id)) if board else None

    found = await run_query(engine, load)
    if found is None:
        raise HTTPException(404)
    board, role = found
    if role not in roles:
        raise HTTPException(403)
    return EditableBoard(board, role == "owner")


OwnBoardDep = Annotated[BoardView, Depends(get_own_board)]
EditableBoardDep = Annotated[EditableBoard, Depends(get_editable_board)]
NextUrl = Annotated[str, Query(alias="next")]


@router.post("/me/boards")
async def create_board(
    request: Request, member: MemberDep, form: BoardFormDep, cursor: CursorDep, engine: EngineDep
) -> Response:
    """Create a board, and redirect to it."""
    errors = form.draft.errors
    if errors:
        return await render_own_boards(request, engine, member, cursor, form.draft, errors=errors)
    try:
        name = await run_in_threadpool(board_service.create_board, engine, member.id, form.draft, form.idempotency_key)
    except BoardRejected as error:
        return await render_own_boards(request, engine, member, cursor, form.draft, errors={"title": str(error)})
    return form_response(request, form, f"/b/{name}", name=name, path=f"/b/{name}")


@router.get("/b/{name}/edit")
async def edit_board_page(
    request: Request, editable: EditableBoardDep, cursor: CursorDep, engine: EngineDep, removed: QueryId = 0
) -> Response:
    """Show the form of a board, who shares it, and what is on it. Members see only what is on it."""
    board = editable.board
    draft = BoardDraft(board.title, board.about, board.public, board.unlisted)
    removed = min(removed, MAX_IDS)
    return await render_edit(request, engine, board, cursor, draft, removed=removed, is_own=editable.is_own)


@router.post("/b/{name}/edit")
async def update_board(
    request: Request, member: MemberDep, form: BoardFormDep, board: OwnBoardDep, cursor: CursorDep, engine: EngineDep
) -> Response:
    """Change a board's title, description or visibility."""
    errors = form.draft.errors
    if errors:
        return await render_edit(request, engine, board, cursor, form.draft, errors=errors)
    name = await run_in_threadpool(board_service.update_board, engine, member.id, board.name, form.draft)
    path = f"/b/{name or board.name}"
    return form_response(request, form, path, path=path)


@router.post("/b/{name}/link")
async def change_link(
    request: Request, member: MemberDep, form: LinkFormDep, board: OwnBoardDep, engine: EngineDep
) -> Response:
    """Give a board a new address."""
    name = await run_in_threadpool(board_service.rename_link, engine, member.id, board.name)
    path = f"/b/{name or board.name}"
    return form_response(request, form, f"{path}/edit", path=path)


@router.post("/b/{name}/remove")
async def remove_from_board(
    request: Request, member: MemberDep, form: RemoveFormDep, editable: EditableBoardDep, engine: EngineDep
) -> Response:
    """Remove creations from a board."""
    board = editable.board
    removed = await run_in_threadpool(board_service.remove_from_board, engine, member.id, board.name, form.some_ids)
    count = len(removed or ())
    response = form_response(request, form, f"{board.path}/edit?removed={count}", count=count)
    if not removed:
        return response
    flash = Flash(_removed_text(count), f"{board.path}/add", tuple(("ids", str(each)) for each in removed))
    return offer_undo(request, response, member.user, flash)


@router.post("/b/{name}/add")
async def add_to_board(
    request: Request, member: MemberDep, form: RemoveFormDep, editable: EditableBoardDep, engine: EngineDep
) -> Response:
    """Add creations to a board: undo their removal."""
    board = editable.board
    try:
        count = await run_in_threadpool(board_service.add_to_board, engine, member.id, board.name, form.some_ids) or 0
    except BoardRejected as error:
        raise InvalidParameter("ids", str(error)) from None
    return form_response(request, form, f"{board.path}/edit", count=count)


@router.post("/b/{name}/delete")
async def delete_board(
    request: Request, member: MemberDep, form: DeleteFormDep, board: OwnBoardDep, engine: EngineDep
) -> Response:
    """Delete a board, but not the creations on it."""
    if not form.confirmed:
        return RedirectResponse(f"{board.path}/edit#delete", 303)
    await run_in_threadpool(board_service.delete_board, engine, member.id, board.name)
    return form_response(request, form, f"{OWN_BOARDS_PATH}?done=deleted", deleted=True)


@router.get("/me/boards/collect")
async def select_boards_page(
    request: Request, member: MemberDep, engine: EngineDep, creation: QueryId = 0, next_url: NextUrl = ""
) -> Response:
    """Show the form that chooses a creation's boards as a page of its own."""
    return await _render_selection(request, engine, member, creation, own_path(next_url))


@router.post("/me/boards/collect")
async def set_boards(request: Request, member: MemberDep, form: SelectionFormDep, engine: EngineDep) -> Response:
    """Add a creation to boards and remove it from others."""
    next_url = safe_next_url(form, f"/c/{form.creation}")
    errors = form.draft.errors if form.has_new_board else {}
    try:
        if errors:
            return await _render_selection(request, engine, member, form.creation, next_url, form.draft, errors)
        changed = await run_in_threadpool(board_service.set_boards, engine, member.id, form.creation, form.selection)
    except BoardRejected as error:
        errors = {"title": str(error)}
        return await _render_selection(request, engine, member, form.creation, next_url, form.draft, errors)
    if changed is None:
        raise HTTPException(404)
    added, removed = changed
    return form_response(request, form, next_url, put=added, taken=removed, words=_summarize(added, removed))


def _removed_text(count: int) -> str:
    return ngettext("%(num)s picture removed.", "%(num)s pictures removed.", count, num=count)


def _summarize(added: list[str], removed: list[str]) -> str:
    """Return what changed, in a sentence each."""
    sentences = []
    if added:
        sentences.append(gettext("Added to %(boards)s.", boards=", ".join(f"“{title}”" for title in added)))
    if removed:
        sentences.append(gettext("Removed from %(boards)s.", boards=", ".join(f"“{title}”" for title in removed)))
    return " ".join(sentences) or gettext("No changes.")


async def _render_selection(
    request: Request,
    engine: Engine,
    member: Member,
    creation_id: int,
    next_url: str | None,
    draft: BoardDraft = BoardDraft(),  # noqa: B008  # frozen
    errors: dict[str, str] | None = None,
) -> Response:
    def load(connection: Connection) -> tuple[CreationView, list[BoardChoice]] | None:
        creation = creations.find_creation(connection, creation_id, viewer_id=member.id)
        if creation is None or not board_service.can_add_to_board(connection, member.id, creation_id):
            return None
        return creation, boards.list_choices(connection, member.id, creation_id)

    loaded = await run_query(engine, load)
    if loaded is None:
        raise HTTPException(404)
    creation, choices = loaded
    return await render_page(
        request,
        "collect.html",
        status=422 if errors else 200,
        creation=creation,
        choices=choices,
        draft=draft,
        errors=errors or {},
        back=next_url or creation.path,
        idempotency_key=secrets.token_urlsafe(12),
    )


async def render_edit(
    request: Request,
    engine: Engine,
    board: BoardView,
    cursor: Cursor | None,
    draft: BoardDraft,
    *,
    errors: dict[str, str] | None = None,
    removed: int = 0,
    is_own: bool = True,
    handle: str = "",
) -> Response:
    """Render the page that changes a board. `handle`: whom the owner tried to invite."""
    slots, older = await run_query(engine, boards.list_slots, board.id, limit=PAGE_SIZE, after=cursor)
    members = await run_query(engine, boards.list_members, board.id) if is_own else []
    return await render_page(
        request,
        "board_edit.html",
        status=422 if errors else 200,
        board=board,
        draft=draft,
        errors=errors or {},
        slots=slots,
        older=older,
        message=_removed_text(removed) if removed else "",
        is_first=cursor is None,
        is_own=is_own,
        members=members,
        handle=handle,
    )
