"""The page of notifications: what is shown is read. Knows no SQL."""

from functools import partial

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery import queries
from gallery.drawn import draw
from gallery.forms import done, form_of, text_of
from gallery.house import house_of
from gallery.numbers import number_in
from gallery.signing.visitor import Visitor, member_of, visitor_of
from gallery.social import notices

PAGE_SIZE = 60


async def notifications(request: Request) -> Response:
    """What somebody is told. Looking at it reads it; a browser that only fetches it ahead has not looked."""
    member = await member_of(request)
    engine, before = house_of(request).engine, number_in(request.query_params.get("before", ""))
    told = await queries.ask(engine, partial(notices.notices_of, person_id=member.id, limit=PAGE_SIZE, before=before))
    if told.unread_ids and request.method == "GET" and "prefetch" not in request.headers.get("sec-purpose", ""):
        await run_in_threadpool(partial(notices.mark_read, engine, member.id, told.unread_ids))
    visitor = await _as_of_now(request)
    return await draw(request, "notifications.html", told=told, is_first=not before, unread=visitor.unread)


async def mark_all_read(request: Request) -> Response:
    """All that the page knew of is read."""
    member = await member_of(request)
    form = await form_of(request)
    until = number_in(text_of(form, "until"))
    await run_in_threadpool(partial(notices.mark_all_read, house_of(request).engine, member.id, until))
    return done(request, form, "/me/notifications")


async def _as_of_now(request: Request) -> Visitor:
    """Who looks, with the count of what is unread after this look."""
    request.state.visitor = None
    return await visitor_of(request)
