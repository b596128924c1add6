"""Answer errors with a page, or with problem+json (RFC 9457) under /api, for feeds and for scripts.

Exception
├── HTTPException           403, 404, 405, 408, 410, 411, 413, 429: by their status
├── NotSignedIn             redirect to the sign-in and back; 401 for programs
├── InvalidParameter, RequestValidationError   422: names the field and the reason; 404 if the path holds no id
├── OperationalError, TimeoutError of its pool, TryLater   503: database or storage is unavailable
└── anything else           500: our bug; uvicorn logs it
"""

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from core.errors import TryLater
from core.outage import outages
from core.text import mark
from gallery.translations import gettext
from gallery.views.pagination import InvalidParameter
from gallery.views.sign_in_intents import is_intent
from gallery.web.current_user import NotSignedIn, get_current_user
from gallery.web.forms import own_path, split_url, wants_json
from gallery.web.pages import render_page
from gallery.web.security_headers import SECURITY_HEADERS

TITLES = {
    400: mark("Bad request"),
    401: mark("Sign in to see this"),
    403: mark("You don't have access"),
    404: mark("Page not found"),
    405: mark("Not allowed here"),
    408: mark("That took too long"),
    410: mark("This was deleted"),
    411: mark("Bad request"),
    413: mark("Too large"),
    422: mark("That link is broken"),
    429: mark("Too fast"),
    500: mark("Something went wrong"),
    503: mark("The gallery is closed for a moment"),
}
MESSAGES = {
    400: mark("Go back and try again."),
    401: mark("Sign in with X first."),
    403: mark(
        "It belongs to another user, or the page it was sent from is no longer valid: go back, reload, try again."
    ),
    404: mark("It may have been deleted."),
    405: mark("This address does not take such requests."),
    410: mark("Its author or an operator deleted it, or it is gone from X."),
    408: mark("The form did not arrive in time. Try again, perhaps on a better connection."),
    411: mark("The form came without its length. Send it from this page."),
    413: mark("The site takes no more than a few megabytes in one piece."),
    429: mark("Wait a moment, then try again."),
    500: mark("That is our fault, not yours. Try again in a moment."),
    503: mark("The gallery cannot reach its database. Try again in a moment."),
}
CONNECTION_POOL = "a free connection to the database"
# Programs read these and get no page.
FEED_SUFFIXES = (".atom", ".json")


def register_error_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a page or with JSON."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(InvalidParameter, _invalid_parameter)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    for error in (OperationalError, InterfaceError, NoConnection, TryLater):
        app.add_exception_handler(error, _unavailable)
    app.add_exception_handler(Exception, _server_error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # informs mypy of what the registration says
    path = request.url.path
    if error.status_code == 404 and request.method in {"GET", "HEAD"} and path.endswith("/") and path.strip("/"):
        return _redirect_without_slash(request)
    response = await _respond(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _redirect_without_slash(request: Request) -> Response:
    """Redirect to the path without its last slash. Starlette's own redirect would repeat any Host of a client."""
    path, query = quote("/" + request.url.path.strip("/"), safe="/@"), request.url.query
    return RedirectResponse(f"{path}?{query}" if query else path)


async def _not_signed_in(request: Request, _error: Exception) -> Response:
    if _wants_json(request):
        return _json(401, [])
    if is_intent(request.url.path):
        return RedirectResponse(f"/sign-in?next={quote(request.url.path, safe='/@')}", 303)
    # Other forms cannot be sent again after the sign-in: go back to the page of the form.
    page = request.url if request.method in {"GET", "HEAD"} else split_url(request.headers.get("referer", ""))
    next_url = own_path(f"{page.path}?{page.query}" if page.query else page.path) or "/"
    return RedirectResponse(f"/sign-in?next={quote(next_url, safe='/@')}", 303)


async def _invalid_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidParameter)  # noqa: S101
    return await _respond(request, 422, error.errors)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # A path that cannot be parsed names no page. The API says what is wrong with it.
    if not request.url.path.startswith("/api/") and any(item["loc"][:1] == ("path",) for item in error.errors()):
        return await _respond(request, 404)
    return await _respond(request, 422, [{"field": _field(item), "reason": _reason(item)} for item in error.errors()])


async def _unavailable(request: Request, error: Exception) -> Response:
    """Answer 503. Database, queue and storage log their own outages; an exhausted connection pool is logged here."""
    if isinstance(error, NoConnection):
        outages.record_failure(CONNECTION_POOL, error)
    response = await _respond(request, 503)
    response.headers["Retry-After"] = "5"
    return response


async def being_updated(request: Request) -> Response:
    """Answer 503 until the database schema is migrated."""
    response = await _respond(request, 503, message=gettext("It is being updated. Try again in a moment."))
    response.headers["Retry-After"] = "5"
    return response


async def _server_error(request: Request, _error: Exception) -> Response:
    # Starlette calls this handler outside all middleware, so it adds the headers itself.
    response = await _respond(request, 500)
    response.headers.update(SECURITY_HEADERS)
    return response


def _reason(item: ErrorDetails) -> str:
    return item["msg"].removeprefix("Value error, ")


def _field(item: ErrorDetails) -> str:
    return str(item["loc"][-1]) if item["loc"] else ""


async def _respond(
    request: Request, status: int, errors: list[dict[str, str]] | None = None, *, message: str = ""
) -> Response:
    # An error page shows the current user, unless the database is unavailable.
    if status < 500:
        with suppress(OperationalError):
            await get_current_user(request)
    title = gettext(TITLES.get(status) or HTTPStatus(status).phrase)
    if _wants_json(request):
        return _json(status, errors or [])
    known = MESSAGES.get(status, "")
    message = message or _detail(errors or []) or gettext(known)
    return await render_page(request, "problem.html", status=status, code=status, title=title, words=message)


def _json(status: int, errors: list[dict[str, str]]) -> Response:
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if errors:
        body |= {"detail": _detail(errors), "errors": errors}
    return JSONResponse(body, status, media_type="application/problem+json")


def _detail(errors: list[dict[str, str]]) -> str:
    return "; ".join(f"{item['field']}: {item['reason']}" for item in errors)


def _wants_json(request: Request) -> bool:
    path = request.url.path
    return path == "/oembed" or path.startswith("/api/") or _is_feed(path) or wants_json(request)


def _is_feed(path: str) -> bool:
    """Return whether the path is a feed. A data export under /me/ ends like one, but its errors are for people."""
    return path.endswith(FEED_SUFFIXES) and not path.startswith("/me/")
