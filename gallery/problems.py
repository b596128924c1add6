"""Errors in the site's own dress: a page for people, problem+json (RFC 9457) under /api and for feeds. Knows no query.

Exception
├── HTTPException           403, 404, 405, 408, 410, 411, 413, 429: by their status
├── NotSignedIn             to the sign-in and back; 401 for machines
├── Unreadable, RequestValidationError   422: names the field and says what is wrong with it
├── OperationalError, TimeoutError of its pool, TryLater   503: database or storage is away; the site will be back
└── anything else           500: our bug; uvicorn logs it
"""

from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from core.errors import TryLater
from core.outage import outages
from gallery.drawn import draw
from gallery.forms import own_path, split, wants_json
from gallery.headers import SECURITY
from gallery.signing.visitor import NotSignedIn, visitor_of
from gallery.social.intents import is_intent
from gallery.unreadable import Unreadable

TITLES = {
    400: "This could not be read",
    401: "This is for members",
    403: "This is not for you",
    404: "Nothing hangs here",
    405: "That does not work here",
    408: "That took too long",
    410: "This was taken down",
    411: "This could not be read",
    413: "That is too much at once",
    422: "This address cannot be read",
    429: "That was quick",
    500: "Something fell off the wall",
    503: "The gallery is closed for a moment",
}
WORDS = {
    400: "What was sent makes no sense here. Go back and try again.",
    401: "Sign in with X first.",
    403: "It belongs to somebody else, or the page it was sent from is no longer valid: go back, reload, try again.",
    404: "The address leads to an empty place on the wall.",
    405: "This address is there, but not for what was asked of it.",
    410: "It was taken back by who asked for it, taken down by the host, or it is gone from X.",
    408: "The form did not arrive in time. Try again, perhaps on a better line.",
    411: "The form came without its length. Send it from this page.",
    413: "The site takes no more than a few megabytes in one piece.",
    429: "Wait a moment, then try again.",
    500: "That is our fault, not yours. Try again in a moment.",
    503: "The house cannot reach its records. Try again in a moment.",
}
CONNECTIONS = "a free connection to the database"
# Programs read these: a page would only be in their way.
FEEDS = (".atom", ".json")


def dress(app: FastAPI) -> None:
    """Give every error of `app` the site's dress."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(RequestValidationError, _invalid)
    for away in (OperationalError, InterfaceError, NoConnection, TryLater):
        app.add_exception_handler(away, _away)
    app.add_exception_handler(Exception, _our_bug)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # tells mypy what the registration already says
    path = request.url.path
    if error.status_code == 404 and request.method in {"GET", "HEAD"} and path.endswith("/") and path.strip("/"):
        return _without_last_slash(request)
    response = await _problem(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _without_last_slash(request: Request) -> Response:
    """Where somebody typed one slash too many. Starlette's own redirect would repeat whatever Host a caller claims."""
    path, query = quote("/" + request.url.path.strip("/"), safe="/@"), request.url.query
    return RedirectResponse(f"{path}?{query}" if query else path)


async def _not_signed_in(request: Request, _error: Exception) -> Response:
    if _is_for_machines(request):
        return _as_json(401, [])
    if is_intent(request.url.path):
        return RedirectResponse(f"/sign-in?next={quote(request.url.path, safe='/@')}", 303)
    # Another form cannot be sent again after the sign-in: back to the page it stood on.
    page = request.url if request.method in {"GET", "HEAD"} else split(request.headers.get("referer", ""))
    wanted = own_path(f"{page.path}?{page.query}" if page.query else page.path) or "/"
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='/@')}", 303)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unreadable)  # noqa: S101
    return await _problem(request, 422, error.errors)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return await _problem(
        request, 422, [{"field": _field(item), "reason": str(item["msg"])} for item in error.errors()]
    )


async def _away(request: Request, error: Exception) -> Response:
    """The database, the queue and the storage report their own outages; what else turns visitors away, we do."""
    if isinstance(error, NoConnection):
        outages.failed(CONNECTIONS, error)
    response = await _problem(request, 503)
    response.headers["Retry-After"] = "5"
    return response


async def being_updated(request: Request) -> Response:
    """503 while the tables do not fit this code: they are migrated in a moment, or the operator has to do it."""
    words = "It is being updated. Try again in a moment."
    response = await _problem(request, 503, words=words)
    response.headers["Retry-After"] = "5"
    return response


async def _our_bug(request: Request, _error: Exception) -> Response:
    # Starlette draws this one outside all middleware, so it brings its own headers.
    response = await _problem(request, 500)
    response.headers.update(SECURITY)
    return response


def _field(item: Any) -> str:
    return str(item["loc"][-1]) if item["loc"] else ""


async def _problem(
    request: Request, status: int, errors: list[dict[str, str]] | None = None, *, words: str = ""
) -> Response:
    # A page about an error shows who is signed in, unless that cannot be told just now.
    if status < 500:
        with suppress(OperationalError):
            await visitor_of(request)
    title = TITLES.get(status) or HTTPStatus(status).phrase
    if _is_for_machines(request):
        return _as_json(status, errors or [])
    told = "; ".join(f"{item['field']}: {item['reason']}" for item in errors or [])
    words = words or told or WORDS.get(status, "")
    return await draw(request, "problem.html", status=status, code=status, title=title, words=words)


def _as_json(status: int, errors: list[dict[str, str]]) -> Response:
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if errors:
        body |= {"detail": "; ".join(f"{item['field']}: {item['reason']}" for item in errors), "errors": errors}
    return JSONResponse(body, status, media_type="application/problem+json")


def _is_for_machines(request: Request) -> bool:
    path = request.url.path
    return path == "/oembed" or path.startswith("/api/") or _is_feed(path) or wants_json(request)


def _is_feed(path: str) -> bool:
    """What a member takes along ends like a feed, and is asked for by a person."""
    return path.endswith(FEEDS) and not path.startswith("/me/")
