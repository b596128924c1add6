"""Show a member's notifications. Showing them marks them as read."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery.queries import notifications as notification_queries
from gallery.queries.run_query import run_query
from gallery.web.current_user import get_current_user
from gallery.web.dependencies import EngineDep, MemberDep, MutesDep, QueryId
from gallery.web.forms import FormId, FormModel, form_response, parse_form
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()
PAGE_SIZE = 60


class MarkReadForm(FormModel):
    """`until`: the id of the newest notification that the page showed."""

    until: FormId = 0


MarkReadFormDep = Annotated[MarkReadForm, Depends(parse_form(MarkReadForm))]


@router.get("/me/notifications")
async def notifications_page(
    request: Request, member: MemberDep, engine: EngineDep, mutes: MutesDep, before: QueryId = 0
) -> Response:
    """Show notifications and mark them as read, unless the browser only prefetches the page."""
    load = notification_queries.load_notifications
    page = await run_query(engine, load, person_id=member.id, limit=PAGE_SIZE, before=before, mutes=mutes)
    if page.unread_ids and request.method == "GET" and "prefetch" not in request.headers.get("sec-purpose", ""):
        await run_in_threadpool(notification_queries.mark_read, engine, member.id, page.unread_ids)
    user = await _reload_current_user(request)
    return await render_page(request, "notifications.html", page=page, is_first=not before, unread=user.unread)


@router.post("/me/notifications/read")
async def mark_all_read(request: Request, member: MemberDep, form: MarkReadFormDep, engine: EngineDep) -> Response:
    """Mark all notifications that the page showed as read."""
    await run_in_threadpool(notification_queries.mark_all_read, engine, member.id, form.until)
    return form_response(request, form, "/me/notifications")


async def _reload_current_user(request: Request) -> CurrentUser:
    """Return the current user with the new number of unread notifications."""
    request.state.user = None
    return await get_current_user(request)
