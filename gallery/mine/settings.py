"""A member's settings: the bot, sensitive pictures, browsers, one's data, and leaving. Knows no SQL.

Each of them is a form of its own that does one thing and comes back to this page; sent twice it does no more.
"""

from functools import partial

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.forgetting import forget_person
from core.logs import get_logger
from gallery import labels, queries
from gallery.drawn import draw
from gallery.forms import done, form_of, text_of
from gallery.house import house_of
from gallery.mine import data, settings_rows
from gallery.numbers import number_in
from gallery.signing import logins
from gallery.signing.door import door_of
from gallery.signing.pages import drop_cookie
from gallery.signing.visitor import STRANGER, Member, member_of

log = get_logger(__name__)

HERE = "/me/settings"
# What was done, told above the settings after the way back.
TOLD = {
    "stop": "The bot leaves you alone on X from now on.",
    "start": "The bot answers you on X again.",
    "veiled": "Sensitive pictures hang behind a veil.",
    "unveiled": "Sensitive pictures hang without a veil.",
    "browser": "That browser is signed out.",
}


async def settings(request: Request) -> Response:
    """All settings on one page."""
    member = await member_of(request)
    question = partial(settings_rows.settled, person_id=member.id, most=queries.TOTAL_LIMIT)
    settled = await queries.ask(house_of(request).engine, question)
    total = labels.counted(settled.creations, queries.TOTAL_LIMIT, one="creation", many="creations")
    told = TOLD.get(request.query_params.get("done", ""), "")
    return await draw(request, "settings.html", settled=settled, told=told, total=total, this_login=member.login_id)


async def bot(request: Request) -> Response:
    """Opt out, or back in: what `stop` and `start` do on X."""
    member, form = await member_of(request), await form_of(request, "settings")
    wanted = text_of(form, "do") == "start"
    await run_in_threadpool(settings_rows.answer_on_x, house_of(request).engine, member.id, wanted=wanted)
    log.info("answers on X are switched", person=member.id, on=wanted)
    return done(request, form, _back("start" if wanted else "stop"), answers=wanted)


async def sensitive(request: Request) -> Response:
    """With a veil or without."""
    member, form = await member_of(request), await form_of(request, "settings")
    wanted = text_of(form, "show") == "yes"
    await run_in_threadpool(settings_rows.show_sensitive, house_of(request).engine, member.id, wanted=wanted)
    return done(request, form, _back("unveiled" if wanted else "veiled"), shows_sensitive=wanted)


async def browsers(request: Request) -> Response:
    """Sign out one browser, or all of them, this one too."""
    member, form = await member_of(request), await form_of(request, "settings")
    engine, everywhere = house_of(request).engine, text_of(form, "login") == "all"
    login_id = number_in(text_of(form, "login"))
    if everywhere:
        tokens = await run_in_threadpool(logins.end_all, engine, member.id)
    else:
        tokens = await run_in_threadpool(logins.end, engine, login_id, member.id)
    is_out = everywhere or login_id == member.login_id
    response = done(request, form, "/" if is_out else _back("browser"), ended=len(tokens), signed_out=is_out)
    if is_out:
        drop_cookie(request, response)
    return _revoking(request, response, tokens)


async def leaving(request: Request) -> Response:
    """What goes with "delete my data", and the form that asks for one's handle."""
    return await _leaving(request, await member_of(request))


async def leave(request: Request) -> Response:
    """Delete all data of who types their own handle. What they typed wrong stays to be mended."""
    member, form = await member_of(request), await form_of(request, "leave")
    typed = text_of(form, "handle").strip()
    if typed.removeprefix("@").casefold() != member.person.username.casefold():
        return await _leaving(request, member, typed=typed[:60], wrong=f"Type @{member.person.username} to go on.")
    engine = house_of(request).engine
    # Read before, so that all or nothing goes: who is told to try again is still signed in.
    tokens = await queries.ask(engine, partial(logins.sealed_of, person_id=member.id))
    gone = await run_in_threadpool(forget_person, engine, member.id)
    await run_in_threadpool(house_of(request).workshop.uploads.forget_all, member.id)
    log.info("a member left", person=member.id, creations=gone)
    request.state.visitor = STRANGER
    response = await draw(request, "left.html", gone=gone)
    drop_cookie(request, response)
    return _revoking(request, response, tokens)


async def _leaving(request: Request, member: Member, *, typed: str = "", wrong: str = "") -> Response:
    question = partial(settings_rows.settled, person_id=member.id, most=queries.TOTAL_LIMIT)
    settled = await queries.ask(house_of(request).engine, question)
    total = labels.counted(settled.creations, queries.TOTAL_LIMIT, one="creation", many="creations")
    status = 422 if wrong else 200
    return await draw(request, "leave.html", status=status, total=total, typed=typed, wrong=wrong)


def _back(what: str) -> str:
    return f"{HERE}?done={what}#told"


def _revoking(request: Request, response: Response, tokens: list[str | None]) -> Response:
    door = door_of(request)
    if door is not None and tokens:
        response.background = BackgroundTask(door.revoke, tokens)
    return response


PAGES: list[BaseRoute] = [
    Route(HERE, settings),
    Route(f"{HERE}/bot", bot, methods=["POST"]),
    Route(f"{HERE}/sensitive", sensitive, methods=["POST"]),
    Route(f"{HERE}/browsers", browsers, methods=["POST"]),
    Route(f"{HERE}/delete", leaving),
    Route(f"{HERE}/delete", leave, methods=["POST"]),
    Route("/me/data.json", data.data),
    Route("/me/data.zip", data.packed),
]
