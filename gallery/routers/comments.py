"""Show, add and delete comments."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from core.mutes import Mutes
from gallery.queries.comments import CommentDraft, CommentView, Thread, find_comment, is_restorable, load_thread
from gallery.queries.run_query import run_query
from gallery.routers.legacy_redirects import renamed_query_redirect
from gallery.services import comments as comment_service
from gallery.services.comments import CommentRejected, NewComment, parse_comment
from gallery.translations import gettext
from gallery.views.creations import CreationView
from gallery.views.pagination import InvalidParameter
from gallery.web.current_user import get_mutes
from gallery.web.dependencies import CommentId, CreationId, EngineDep, MemberDep, MutesDep, QueryId
from gallery.web.flash import Flash, offer_undo
from gallery.web.forms import FormId, FormModel, form_response, parse_form, wants_json
from gallery.web.lookups import PublicCreationDep
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import enforce_rate_limit

router = page_router()
MAX_KEY_LENGTH = 40
MAX_DRAFT_LENGTH = 10_000


class CommentForm(FormModel):
    """A new comment. `parent` is the comment it replies to."""

    text: str = ""
    parent: FormId = 0
    idempotency_key: str = ""


CommentFormDep = Annotated[CommentForm, Depends(parse_form(CommentForm))]
DeleteFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="comment"))]


@router.get("/c/{creation_id}/comments")
async def comments_page(
    request: Request,
    creation: PublicCreationDep,
    engine: EngineDep,
    mutes: MutesDep,
    after: QueryId = 0,
    thread: QueryId = 0,
    reply_to: QueryId = 0,
) -> Response:
    """Show a page of comments, or with `thread` the replies to one. `reply_to` starts a reply."""
    if redirect := renamed_query_redirect(request, "/c/{creation_id}/comments"):
        return redirect
    comments = await _load_thread(engine, creation.id, mutes, after=after, parent_id=thread, reply_to_id=reply_to)
    return await render_page(request, "comments.html", creation=creation, thread=comments)


@router.get("/c/{creation_id}/comments/{comment_id}")
async def comment_redirect(creation: PublicCreationDep, comment_id: CommentId, engine: EngineDep) -> Response:
    """Redirect to the page that shows a comment."""
    comment = await _find_comment(engine, creation.id, comment_id)
    if comment is None:
        raise HTTPException(404)
    return RedirectResponse(await _comment_url(engine, creation, comment), 302)


@router.post("/c/{creation_id}/comments")
async def add_comment(
    request: Request, member: MemberDep, form: CommentFormDep, creation: PublicCreationDep, engine: EngineDep
) -> Response:
    """Add a comment or a reply. A rejected text stays in its field."""
    try:
        comment = NewComment(parse_comment(form.text), form.idempotency_key[:MAX_KEY_LENGTH], form.parent or None)
        await enforce_rate_limit(request, "comment")
        comment_id = await run_in_threadpool(comment_service.add_comment, engine, member.id, creation.id, comment)
    except CommentRejected as error:
        return await _render_rejected(request, engine, creation, form, str(error))
    added = await _find_comment(engine, creation.id, comment_id or 0)
    if added is None:
        raise HTTPException(404)
    return form_response(request, form, await _comment_url(engine, creation, added), id=added.id)


@router.post("/c/{creation_id}/comments/{comment_id}/delete")
async def delete_comment(
    request: Request,
    member: MemberDep,
    form: DeleteFormDep,
    creation_id: CreationId,
    comment_id: CommentId,
    engine: EngineDep,
) -> Response:
    """Delete a comment. Its author may, and the author of the creation."""
    if not await run_in_threadpool(comment_service.delete_comment, engine, member.id, creation_id, comment_id):
        comment = await _find_comment(engine, creation_id, comment_id)
        raise HTTPException(404 if comment is None else 403)
    response = form_response(request, form, f"/c/{creation_id}#comments", id=comment_id)
    if not await run_query(engine, is_restorable, comment_id, member.id):
        return response
    flash = Flash(gettext("Comment deleted."), f"/c/{creation_id}/comments/{comment_id}/restore")
    return offer_undo(request, response, member.user, flash)


@router.post("/c/{creation_id}/comments/{comment_id}/restore")
async def restore_comment(
    request: Request,
    member: MemberDep,
    form: DeleteFormDep,
    creation_id: CreationId,
    comment_id: CommentId,
    engine: EngineDep,
) -> Response:
    """Restore an own comment that was deleted a moment ago."""
    if not await run_in_threadpool(comment_service.restore_comment, engine, member.id, creation_id, comment_id):
        raise HTTPException(404)
    return form_response(request, form, f"/c/{creation_id}#comment-{comment_id}", id=comment_id)


async def _render_rejected(
    request: Request, engine: Engine, creation: CreationView, form: CommentForm, reason: str
) -> Response:
    if wants_json(request):
        raise InvalidParameter("text", reason)
    thread = await _load_thread(engine, creation.id, await get_mutes(request), reply_to_id=form.parent)
    draft = CommentDraft(form.text[:MAX_DRAFT_LENGTH], reason)
    thread = replace(thread, draft=draft, idempotency_key=form.idempotency_key[:MAX_KEY_LENGTH])
    return await render_page(request, "comments.html", status=422, creation=creation, thread=thread)


async def _load_thread(
    engine: Engine, creation_id: int, mutes: Mutes, *, after: int = 0, parent_id: int = 0, reply_to_id: int = 0
) -> Thread:
    """Load a page of comments. Raises HTTPException 404 if there is no comment `parent_id`."""

    def load(connection: Connection) -> Thread | None:
        reply_to = find_comment(connection, creation_id, reply_to_id) if reply_to_id else None
        under = parent_id or (reply_to.parent_id or reply_to.id if reply_to else None)
        page = load_thread(connection, creation_id, under=under, after=after, mutes=mutes)
        if parent_id and page.under is None:
            return None
        replying_to = reply_to or page.under
        return replace(page, replying_to=replying_to if replying_to and replying_to.person else None)

    thread = await run_query(engine, load)
    if thread is None:
        raise HTTPException(404)
    return thread


async def _find_comment(engine: Engine, creation_id: int, comment_id: int) -> CommentView | None:
    return await run_query(engine, find_comment, creation_id=creation_id, comment_id=comment_id)


async def _comment_url(engine: Engine, creation: CreationView, comment: CommentView) -> str:
    """Return where a comment stands: on the creation's page, or else on a page that begins with it."""
    first = await run_query(engine, load_thread, creation_id=creation.id)
    if comment.id in first.ids:
        return f"{creation.path}#comment-{comment.id}"
    under = f"thread={comment.parent_id}&" if comment.parent_id else ""
    return f"{creation.path}/comments?{under}after={comment.id - 1}#comment-{comment.id}"
