"""The page of a member's own creations, and what they do with them, one or many at once. Knows no SQL."""

import secrets
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.standing import A_DAY, standings
from gallery import queries
from gallery.drawn import draw
from gallery.forms import back_to, done, form_of, text_of, wants_json
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, after_in
from gallery.labels import counted
from gallery.limits import within_limits
from gallery.mine import changes
from gallery.mine.own import FILTERS, Totals, own, own_by_ids, totals
from gallery.mine.standing import Standing, standing, told
from gallery.numbers import number_in
from gallery.shown import CreationShown, Page
from gallery.signing.visitor import member_of
from gallery.unreadable import Unreadable

MINE = "/me"
MOST_AT_ONCE = 100
# Each estimate is a count along the line: a page of nothing but waiting ones asks for the first few.
MOST_ESTIMATES = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the database tells. `asked`: creations of the last 24 hours, as the daily limit counts them."""

    page: Page
    totals: Totals
    asked: int


async def mine(request: Request) -> Response:
    """All own creations, or those of one kind, with how they stand."""
    member, after = await member_of(request), after_in(request.query_params)
    only = request.query_params.get("only", "")
    if only not in FILTERS:
        raise Unreadable("only", f"choose one of {', '.join(name for name in FILTERS if name)}")

    def question(connection: Connection) -> Seen:
        page = own(connection, member.id, only=only, limit=PAGE_SIZE, after=after)
        asked = standings(connection, [member.id], now() - A_DAY)[member.id].asked
        return Seen(page, totals(connection, member.id), asked)

    seen = await queries.ask(house_of(request).engine, question)
    limit = house_of(request).workshop.rules.person_daily_limit
    return await draw(
        request,
        "me.html",
        page=seen.page,
        stands=await _stands(request, seen.page.creations),
        total=counted(seen.totals.creations, queries.TOTAL_LIMIT, one="picture", many="pictures"),
        totals=seen.totals,
        left=max(0, limit - seen.asked),
        limit=limit,
        only=only,
        path=f"{MINE}?only={only}" if only else MINE,
        filters=[(f"{MINE}?only={name}" if name else MINE, words) for name, words in FILTERS.items()],
        is_first=after is None,
        said=_said(request),
        once=secrets.token_urlsafe(12),
    )


async def manage(request: Request) -> Response:
    """Do one thing with some of one's own creations. What cannot be undone asks once more."""
    member = await member_of(request)
    form = await form_of(request)
    do, ids = text_of(form, "do"), _ids_in(form)
    if do not in changes.DEEDS:
        raise Unreadable("do", f"choose one of {', '.join(changes.DEEDS)}")
    if not ids:
        return await _nothing_chosen(request, form)
    if do == "delete" and text_of(form, "sure") != "yes":
        return await _are_you_sure(request, form, ids)
    await within_limits(request, "manage")
    try:
        count = await run_in_threadpool(partial(changes.change, house_of(request).engine, member.id, do, ids))
    except changes.NotTheirs:
        raise HTTPException(403) from None
    if wants_json(request):
        return done(request, form, MINE, did=do, count=count, words=told(do, count))
    return RedirectResponse(_with_word(_way_back(form, do), do, count), 303)


async def _are_you_sure(request: Request, form: FormData, ids: list[int]) -> Response:
    member = await member_of(request)
    engine = house_of(request).engine
    if not await queries.ask(engine, partial(changes.are_theirs, person_id=member.id, ids=ids)):
        raise HTTPException(403)
    found = await queries.ask(engine, partial(own_by_ids, person_id=member.id, creation_ids=ids))
    if not found:  # another tab was quicker
        return RedirectResponse(_with_word(MINE, "delete", 0), 303)
    answered, stands = sum(1 for one in found if one.reply_post_id), await _stands(request, found)
    back = _way_back(form, "delete")
    return await draw(request, "delete.html", creations=found, stands=stands, answered=answered, next=back)


async def _nothing_chosen(request: Request, form: FormData) -> Response:
    if wants_json(request):
        raise Unreadable("ids", "choose at least one picture")
    return RedirectResponse(_with_word(_way_back(form, ""), "none", 0), 303)


async def _stands(request: Request, shown: list[CreationShown]) -> dict[int, Standing]:
    waits = house_of(request).waits
    waiting = [one for one in shown if one.is_under_way][-MOST_ESTIMATES:]
    known = {one.id: await waits.of(one) for one in waiting}
    return {one.id: standing(one, known.get(one.id)) for one in shown}


def _ids_in(form: FormData) -> list[int]:
    """The ids of a form, each once. Raises Unreadable for too many, HTTPException 403 for what is no id."""
    given = [value for value in form.getlist("ids") if isinstance(value, str)]
    if len(given) > MOST_AT_ONCE:
        raise Unreadable("ids", f"no more than {MOST_AT_ONCE} at once")
    ids = sorted({number_in(value) for value in given})
    if ids and ids[0] == 0:
        raise HTTPException(403)
    return ids


def _way_back(form: FormData, do: str) -> str:
    """Where to go afterwards; never to the page of what was just deleted."""
    path = back_to(form, MINE)
    return MINE if do == "delete" and path.startswith("/c/") else path


def _with_word(path: str, do: str, count: int) -> str:
    """The same page, which says what was done, once."""
    parts = urlsplit(path)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"did", "count"}]
    return f"{parts.path}?{urlencode([*kept, ('did', do), ('count', count)])}"


def _said(request: Request) -> str:
    """What was done a moment ago, where the address tells it."""
    did = request.query_params.get("did", "")
    if did == "none":
        return "Choose one picture or more first."
    return told(did, min(number_in(request.query_params.get("count", "")), MOST_AT_ONCE))
