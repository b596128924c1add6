"""Mute people and topics, and show what a member mutes."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.styles import STYLES
from core.text import mark
from gallery.queries.creations import find_user_by_handle
from gallery.queries.run_query import run_query
from gallery.services import mutes as mute_service
from gallery.services.mutes import MuteRejected
from gallery.translations import gettext
from gallery.views.creations import UserView
from gallery.views.pagination import InvalidParameter
from gallery.web.dependencies import EngineDep, MemberDep
from gallery.web.flash import Flash, offer_undo
from gallery.web.forms import FormId, FormModel, form_response, parse_form, wants_json
from gallery.web.lookups import UserDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import Member

router = page_router()
MUTES_PATH = "/me/mutes"
DONE_MESSAGES = {"added": mark("Muted."), "removed": mark("No longer muted.")}
MAX_TYPED = 200


class TopicForm(FormModel):
    """A word, a topic, or a handle with @ to mute."""

    topic: str = ""


class RemoveForm(FormModel):
    """The mute to remove."""

    mute: FormId = 0


PersonFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="follow"))]
TopicFormDep = Annotated[TopicForm, Depends(parse_form(TopicForm, limit="follow"))]
RemoveFormDep = Annotated[RemoveForm, Depends(parse_form(RemoveForm, limit="follow"))]


@router.post("/@{handle}/mute")
async def mute_person(
    request: Request, member: MemberDep, form: PersonFormDep, person: UserDep, engine: EngineDep
) -> Response:
    """Mute a person."""
    try:
        await run_in_threadpool(mute_service.mute_person, engine, member.id, person.id)
    except MuteRejected as error:
        raise InvalidParameter("handle", str(error)) from None
    return _person_response(request, form, person, member, is_muted=True)


@router.post("/@{handle}/unmute")
async def unmute_person(
    request: Request, member: MemberDep, form: PersonFormDep, person: UserDep, engine: EngineDep
) -> Response:
    """Unmute a person."""
    await run_in_threadpool(mute_service.unmute_person, engine, member.id, person.id)
    return _person_response(request, form, person, member, is_muted=False)


@router.get(MUTES_PATH)
async def mutes_page(request: Request, member: MemberDep, engine: EngineDep, done: str = "") -> Response:
    """Show what a member mutes, and the form for more."""
    return await _render(request, engine, member, message=gettext(DONE_MESSAGES.get(done, "")))


@router.post(MUTES_PATH)
async def mute_topic(request: Request, member: MemberDep, form: TopicFormDep, engine: EngineDep) -> Response:
    """Mute a topic, or the person whose handle was typed."""
    try:
        topic = await _mute_typed(engine, member, form.topic.strip())
    except MuteRejected as error:
        if wants_json(request):
            raise InvalidParameter("topic", str(error)) from None
        return await _render(request, engine, member, typed=form.topic[:MAX_TYPED], error=str(error))
    return form_response(request, form, f"{MUTES_PATH}?done=added", topic=topic)


@router.post(f"{MUTES_PATH}/remove")
async def remove_mute(request: Request, member: MemberDep, form: RemoveFormDep, engine: EngineDep) -> Response:
    """Remove one mute."""
    if not await run_in_threadpool(mute_service.remove_mute, engine, member.id, form.mute):
        raise HTTPException(404)
    return form_response(request, form, f"{MUTES_PATH}?done=removed", removed=True)


async def _mute_typed(engine: Engine, member: Member, typed: str) -> str:
    if not typed.startswith("@"):
        return await run_in_threadpool(mute_service.mute_topic, engine, member.id, typed)
    person = await run_query(engine, find_user_by_handle, typed.removeprefix("@"))
    if person is None:
        raise MuteRejected(gettext("No user with this handle."))
    await run_in_threadpool(mute_service.mute_person, engine, member.id, person.id)
    return f"@{person.username}"


async def _render(
    request: Request, engine: Engine, member: Member, *, message: str = "", typed: str = "", error: str = ""
) -> Response:
    muted = await run_query(engine, mute_service.list_mutes, member.id)
    return await render_page(
        request,
        "mutes.html",
        status=422 if error else 200,
        mutes=muted,
        styles=list(STYLES),
        message=message,
        typed=typed,
        error=error,
    )


def _person_response(
    request: Request, form: FormModel, person: UserView, member: Member, *, is_muted: bool
) -> Response:
    handle = f"@{person.username}"
    words = gettext("%(handle)s is muted.") if is_muted else gettext("%(handle)s is no longer muted.")
    words %= {"handle": handle}
    response = form_response(request, form, person.path, on=is_muted, words=words, path=person.path)
    reverse = f"{person.path}/unmute" if is_muted else f"{person.path}/mute"
    return offer_undo(request, response, member.user, Flash(words, reverse))
