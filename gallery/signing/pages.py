"""Signing in with X, and out again.

    /sign-in (says what X will ask) -> /sign-in/x -> X's page -> /sign-in/back -> the page they came from

The way on is a link, not a form: browsers hold a form's target to our content security policy also where it is sent on.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.logs import get_logger
from gallery.drawn import draw
from gallery.forms import done, form_of, own_path, split
from gallery.house import house_of
from gallery.limits import within_limits
from gallery.signing import browsers, logins
from gallery.signing.arriving import Banned, let_in
from gallery.signing.door import Door, door_of
from gallery.signing.logins import Begun
from gallery.signing.visitor import cookie_name, visitor_of
from gallery.signing.x import Arrival, Outdated, SaidNo, Strange, XAway
from gallery.social.intents import carry_out, in_words, page_of

log = get_logger(__name__)

# The cookie holds three of these, and has room for four thousand letters.
LONGEST_WANTED = 400
# The login may end earlier: when it was not used for long.
COOKIE_SECONDS = int(logins.ENDS.total_seconds())
# Says that the redirect to the site's own name is behind us: a proxy may hide the name and https from us.
CANONICAL = "canonical"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nobody was signed in, in plain words."""

    status: int
    title: str
    words: str
    again: bool = True


TROUBLES: dict[type[Exception], Trouble] = {
    SaidNo: Trouble(
        200, "You are not signed in", "You said no on X's page, so X told us nothing. Look around as before."
    ),
    Outdated: Trouble(
        400,
        "That took too long",
        "This sign-in is too old, was used already, or was begun in another browser. Begin again, it takes a moment.",
    ),
    XAway: Trouble(503, "X does not answer", "We could not ask X who you are. Try again in a little while."),
    Strange: Trouble(502, "X did not say who you are", "Its answer made no sense to us. Try again in a little while."),
    Banned: Trouble(
        403, "You cannot sign in here", "The host of this gallery has closed your account here.", again=False
    ),
}
CLOSED = Trouble(
    404, "This gallery has no sign-in", "Its host has not set it up. All pictures are here to look at.", False
)


async def sign_in(request: Request) -> Response:
    """What X will be asked for, and the way on."""
    wanted = _wanted(request)
    if elsewhere := _under_own_name(request, wanted):
        return elsewhere
    if (await visitor_of(request)).person is not None:
        return RedirectResponse(page_of(wanted), 303)
    return await _page(request, wanted, None if door_of(request) else CLOSED)


async def go(request: Request) -> Response:
    """On to X."""
    door, wanted = door_of(request), _wanted(request)
    if door is None:
        return await _page(request, wanted, CLOSED)
    if elsewhere := _under_own_name(request, wanted):
        return elsewhere
    if (await visitor_of(request)).person is not None:
        return RedirectResponse(page_of(wanted), 303)
    await within_limits(request, "sign-in")
    return await door.x.begin(request, f"{_origin(request)}/sign-in/back", wanted)


async def back(request: Request) -> Response:
    """Back from X: whoever it is, is signed in in this browser, in place of whoever was before."""
    door = door_of(request)
    if door is None:
        return await _page(request, "/", CLOSED)
    wanted = own_path(await door.x.wanted(request)) or "/"
    try:
        arrival = await door.x.finish(request)
        begun = await _let_in(request, door, arrival)
    except tuple(TROUBLES) as error:
        return await _explain(request, error, wanted)
    log.info("signed in", person=arrival.who.id)
    await run_in_threadpool(carry_out, house_of(request).engine, arrival.who.id, wanted)
    response = RedirectResponse(page_of(wanted), 303, {"Cache-Control": "no-store"})
    keep_cookie(request, response, begun.value)
    return response


async def sign_out(request: Request) -> Response:
    """Out of this browser. X hears of it afterwards: nobody waits for that."""
    form = await form_of(request)
    visitor, door = await visitor_of(request), door_of(request)
    response = done(request, form, "/")
    drop_cookie(request, response)
    if visitor.login_id is None:
        return response
    tokens = await run_in_threadpool(logins.end, house_of(request).engine, visitor.login_id)
    response.background = BackgroundTask(door.revoke, tokens) if door else None
    return response


async def _let_in(request: Request, door: Door, arrival: Arrival) -> Begun:
    return await run_in_threadpool(
        let_in,
        house_of(request).engine,
        arrival.who,
        browser=browsers.called(request.headers.get("user-agent", "")),
        tokens=door.seal.close(arrival.facts),
        price=door.price,
        instead_of=(await visitor_of(request)).login_id,
    )


async def _explain(request: Request, error: Exception, wanted: str) -> Response:
    # A click too many: the first one has signed them in.
    if isinstance(error, Outdated) and (await visitor_of(request)).person is not None:
        return RedirectResponse(page_of(wanted), 303)
    trouble = next(each for kind, each in TROUBLES.items() if isinstance(error, kind))
    if trouble.status >= 500:
        log.warning("sign-in failed", reason=str(error))
    response = await _page(request, wanted, trouble)
    if isinstance(error, XAway):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _page(request: Request, wanted: str, trouble: Trouble | None) -> Response:
    door, status = door_of(request), trouble.status if trouble else 200
    followed = door.x.followed if door else ""
    told = {"wanted": wanted, "page": page_of(wanted), "intent": in_words(wanted), "followed": followed}
    return await draw(request, "sign_in.html", status=status, trouble=trouble, **told)


def _wanted(request: Request) -> str:
    """Where they go afterwards: a page of this site, and not the sign-in again."""
    path = own_path(request.query_params.get("next"))
    if path is None or len(path) > LONGEST_WANTED or path.startswith(("/sign-in", "/sign-out")):
        return "/"
    return path


def _under_own_name(request: Request, wanted: str) -> Response | None:
    """The same page under `GALLERY_URL`, if it was asked for under another name or without https.

    X leads back to `GALLERY_URL` alone, and the cookie of the sign-in is seen only under the name it was set by.
    """
    public_url = house_of(request).public_url
    asked, own = split(str(request.url).lower()), split(public_url.lower())
    if not public_url or CANONICAL in request.query_params or asked[:2] == own[:2]:
        return None
    query = urlencode({"next": wanted, CANONICAL: 1})
    return RedirectResponse(f"{public_url}{request.url.path}?{query}", 303, {"Cache-Control": "no-store"})


def _origin(request: Request) -> str:
    """The address of this site, as X knows it."""
    if public := house_of(request).public_url:
        return public
    host = request.headers.get("host", "")
    if not host:
        raise HTTPException(400)
    return f"{request.url.scheme}://{host}"


def keep_cookie(request: Request, response: Response, value: str, seconds: int = COOKIE_SECONDS) -> None:
    """Give this browser its login. No script reads it, no other site sends it along with a form."""
    public_url = house_of(request).public_url
    response.set_cookie(
        cookie_name(public_url),
        value,
        max_age=seconds,
        path="/",
        secure=public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Take it back. The login itself ends in the database: a copy of the cookie is worth nothing."""
    keep_cookie(request, response, "", 0)
    # Who sits here next finds no draft, and no page by stepping back.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


PAGES: list[BaseRoute] = [
    Route("/sign-in", sign_in),
    Route("/sign-in/x", go),
    Route("/sign-in/back", back),
    Route("/sign-out", sign_out, methods=["POST"]),
]
