"""Share boards: invite by handle, accept, leave, and remove members."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery.queries.creations import find_user_by_handle
from gallery.queries.run_query import run_query
from gallery.routers.board_pages import OWN_BOARDS_PATH
from gallery.routers.boards import OwnBoardDep, render_edit
from gallery.services import board_members
from gallery.services.boards import BoardDraft, BoardRejected
from gallery.translations import gettext
from gallery.views.pagination import InvalidParameter
from gallery.web.dependencies import EngineDep, MemberDep
from gallery.web.forms import FormId, FormModel, form_response, parse_form, wants_json
from gallery.web.pages import page_router

router = page_router()
MAX_TYPED = 60


class InviteForm(FormModel):
    """The handle of whom to invite, with or without @."""

    handle: str = ""


class RemoveMemberForm(FormModel):
    """The member to remove."""

    person: FormId = 0


InviteFormDep = Annotated[InviteForm, Depends(parse_form(InviteForm, limit="invite"))]
RemoveMemberFormDep = Annotated[RemoveMemberForm, Depends(parse_form(RemoveMemberForm, limit="collect"))]
AnswerFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="collect"))]


@router.post("/b/{name}/members")
async def invite(
    request: Request, member: MemberDep, form: InviteFormDep, board: OwnBoardDep, engine: EngineDep
) -> Response:
    """Invite a user to a board."""
    person = await run_query(engine, find_user_by_handle, form.handle.strip().removeprefix("@"))
    try:
        if person is None:
            raise BoardRejected(gettext("No user with this handle."))
        await run_in_threadpool(board_members.invite, engine, member.id, board.name, person.id)
    except BoardRejected as error:
        if wants_json(request):
            raise InvalidParameter("handle", str(error)) from None
        draft, errors = BoardDraft(board.title, board.about, board.public, board.unlisted), {"handle": str(error)}
        return await render_edit(request, engine, board, None, draft, errors=errors, handle=form.handle[:MAX_TYPED])
    return form_response(request, form, f"{board.path}/edit#members", invited=person.username)


@router.post("/b/{name}/members/remove")
async def remove_member(
    request: Request, member: MemberDep, form: RemoveMemberFormDep, board: OwnBoardDep, engine: EngineDep
) -> Response:
    """Remove a member, or take an invitation back."""
    removed = await run_in_threadpool(board_members.remove_member, engine, member.id, board.name, form.person)
    return form_response(request, form, f"{board.path}/edit#members", removed=removed)


@router.post("/b/{name}/accept")
async def accept(request: Request, member: MemberDep, form: AnswerFormDep, name: str, engine: EngineDep) -> Response:
    """Accept an invitation."""
    if not await run_in_threadpool(board_members.accept, engine, member.id, name):
        raise HTTPException(404)
    return form_response(request, form, f"/b/{name}", accepted=True)


@router.post("/b/{name}/leave")
async def leave(request: Request, member: MemberDep, form: AnswerFormDep, name: str, engine: EngineDep) -> Response:
    """Leave a board, or decline an invitation."""
    if not await run_in_threadpool(board_members.leave, engine, member.id, name):
        raise HTTPException(404)
    return form_response(request, form, f"{OWN_BOARDS_PATH}?done=left", left=True)
