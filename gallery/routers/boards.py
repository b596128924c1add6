"""Create, edit and delete boards, and choose the boards of a creation."""

import secrets
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request
from pydantic import Field
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from gallery.queries import boards, creations
from gallery.queries.boards import BOARD_NAME, BoardChoice, BoardView
from gallery.queries.run_query import run_query
from gallery.routers.board_pages import OWN_BOARDS_PATH, render_own_boards
from gallery.services import boards as board_service
from gallery.services.boards import BoardDraft, BoardRejected, BoardSelection
from gallery.views.creations import CreationView
from gallery.views.pagination import PAGE_SIZE, Cursor
from gallery.web.dependencies import CursorDep, EngineDep, MemberDep, QueryId
from gallery.web.forms import Checkbox, FormId, FormModel, form_response, own_path, parse_form, safe_next_url
from gallery.web.pages import page_router, render_page
from gallery.web.users import Member

router = page_router()
MAX_IDS = 100


class BoardForm(FormModel):
    """A board's title, description and visibility."""

    title: str = ""
    about: str = ""
    public: Checkbox = False
    idempotency_key: str = ""

    @property
    def draft(self) -> BoardDraft:
        """Return the board as typed."""
        return BoardDraft(self.title, self.about, self.public)


class RemoveForm(FormModel):
    """The creations to remove from a board."""

    ids: list[FormId] = Field([])


class DeleteForm(FormModel):
    """`confirmed`: whether the board is to be deleted."""

    confirmed: Checkbox = False


class SelectionForm(BoardForm):
    """The boards that are checked, those that were checked when the page was rendered, and a new board.

    `previous_boards`: names with spaces between them.
    """

    creation: FormId = 0
    boards: list[str] = Field([])
    previous_boards: str = ""

    @property
    def has_new_board(self) -> bool:
        """Return whether a new board was named."""
        return bool(self.title.strip())

    @property
    def selection(self) -> BoardSelection:
        """Return only what the member changed: another tab may have changed the rest in the meantime."""
        checked = {name for name in self.boards if BOARD_NAME.fullmatch(name)}
        before = {name for name in self.previous_boards.split() if BOARD_NAME.fullmatch(name)}
        on, off = sorted(checked - before)[: boards.MAX_BOARDS], sorted(before - checked)[: boards.MAX_BOARDS]
        return BoardSelection(
            frozenset(on), frozenset(off), self.draft if self.has_new_board else None, self.idempotency_key
        )


async def get_own_board(member: MemberDep, name: str, engine: EngineDep) -> BoardView:
    """Return a board of the member. Raises HTTPException: 404, or 403 if another user owns it."""
    board = await run_query(engine, boards.find_board, name=name, viewer_id=member.id)
    if board is None:
        raise HTTPException(404)
    if board.person.id != member.id:
        raise HTTPException(403)
    return board


BoardFormDep = Annotated[BoardForm, Depends(parse_form(BoardForm, limit="collect"))]
RemoveFormDep = Annotated[RemoveForm, Depends(parse_form(RemoveForm, limit="collect"))]
DeleteFormDep = Annotated[DeleteForm, Depends(parse_form(DeleteForm, limit="collect"))]
SelectionFormDep = Annotated[SelectionForm, Depends(parse_form(SelectionForm, limit="collect"))]
OwnBoardDep = Annotated[BoardView, Depends(get_own_board)]
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
    request: Request, board: OwnBoardDep, cursor: CursorDep, engine: EngineDep, removed: QueryId = 0
) -> Response:
    """Show the form of a board, and what is on it."""
    draft = BoardDraft(board.title, board.about, board.public)
    return await _render_edit(request, engine, board, cursor, draft, removed=min(removed, MAX_IDS))


@router.post("/b/{name}/edit")
async def update_board(
    request: Request, member: MemberDep, form: BoardFormDep, board: OwnBoardDep, cursor: CursorDep, engine: EngineDep
) -> Response:
    """Change a board's title, description or visibility."""
    errors = form.draft.errors
    if errors:
        return await _render_edit(request, engine, board, cursor, form.draft, errors=errors)
    await run_in_threadpool(board_service.update_board, engine, member.id, board.name, form.draft)
    return form_response(request, form, board.path, path=board.path)


@router.post("/b/{name}/remove")
async def remove_from_board(
    request: Request, member: MemberDep, form: RemoveFormDep, board: OwnBoardDep, engine: EngineDep
) -> Response:
    """Remove creations from a board."""
    ids = sorted(set(form.ids[:MAX_IDS]) - {0})
    count = await run_in_threadpool(board_service.remove_from_board, engine, member.id, board.name, ids) or 0
    return form_response(request, form, f"{board.path}/edit?removed={count}", count=count)


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


def _summarize(added: list[str], removed: list[str]) -> str:
    """Return what changed, in a sentence each."""
    sentences = []
    if added:
        sentences.append(f"Added to {', '.join(f'“{title}”' for title in added)}.")
    if removed:
        sentences.append(f"Removed from {', '.join(f'“{title}”' for title in removed)}.")
    return " ".join(sentences) or "No changes."


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


async def _render_edit(
    request: Request,
    engine: Engine,
    board: BoardView,
    cursor: Cursor | None,
    draft: BoardDraft,
    *,
    errors: dict[str, str] | None = None,
    removed: int = 0,
) -> Response:
    slots, older = await run_query(engine, boards.list_slots, board.id, limit=PAGE_SIZE, after=cursor)
    return await render_page(
        request,
        "board_edit.html",
        status=422 if errors else 200,
        board=board,
        draft=draft,
        errors=errors or {},
        slots=slots,
        older=older,
        message=f"{removed} picture{'' if removed == 1 else 's'} removed from this board." if removed else "",
        is_first=cursor is None,
    )
