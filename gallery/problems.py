"""Errors in the site's own dress: a page for people, problem+json (RFC 9457) under /api. Knows no query.

Exception
├── HTTPException           404, 405, 410: by their status
├── Unreadable, RequestValidationError   422: names the field and says what is wrong with it
├── OperationalError        503: the database does not answer; the site will be back
└── anything else           500: our bug; uvicorn logs it
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from gallery.headers import SECURITY
from gallery.house import draw

TITLES = {
    404: "Nothing hangs here",
    405: "That does not work here",
    410: "This was taken down",
    422: "This address cannot be read",
    500: "Something fell off the wall",
    503: "The gallery is closed for a moment",
}
WORDS = {
    404: "The address leads to an empty place on the wall.",
    405: "This address is there, but not for what was asked of it.",
    410: "Who asked for it has taken it back, or it is gone from X. It does not hang here any more.",
    500: "That is our fault, not yours. Try again in a moment.",
    503: "The house cannot reach its records. Try again in a moment.",
}


class Unreadable(Exception):
    """A value in the address that cannot be read: the field's name and the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.errors = [{"field": field, "reason": reason}]


def dress(app: FastAPI) -> None:
    """Give every error of `app` the site's dress."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(Exception, _our_bug)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # tells mypy what the registration already says
    path = request.url.path
    if error.status_code == 404 and request.method in {"GET", "HEAD"} and path.endswith("/") and path.strip("/"):
        return _without_last_slash(request)
    response = _problem(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _without_last_slash(request: Request) -> Response:
    """Where somebody typed one slash too many. Starlette's own redirect would repeat whatever Host a caller claims."""
    path, query = quote("/" + request.url.path.strip("/"), safe="/@"), request.url.query
    return RedirectResponse(f"{path}?{query}" if query else path)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unreadable)  # noqa: S101
    return _problem(request, 422, error.errors)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _problem(request, 422, [{"field": _field(item), "reason": str(item["msg"])} for item in error.errors()])


async def _database_away(request: Request, _error: Exception) -> Response:
    response = _problem(request, 503)
    response.headers["Retry-After"] = "5"
    return response


async def _our_bug(request: Request, _error: Exception) -> Response:
    # Starlette draws this one outside all middleware, so it brings its own headers.
    response = _problem(request, 500)
    response.headers.update(SECURITY)
    return response


def _field(item: Any) -> str:
    return str(item["loc"][-1]) if item["loc"] else ""


def _problem(request: Request, status: int, errors: list[dict[str, str]] | None = None) -> Response:
    title = TITLES.get(status) or HTTPStatus(status).phrase
    if _is_for_machines(request):
        return _as_json(status, errors or [])
    words = "; ".join(f"{item['field']}: {item['reason']}" for item in errors or []) or WORDS.get(status, "")
    return draw(request, "problem.html", status=status, code=status, title=title, words=words)


def _as_json(status: int, errors: list[dict[str, str]]) -> Response:
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if errors:
        body |= {"detail": "; ".join(f"{item['field']}: {item['reason']}" for item in errors), "errors": errors}
    return JSONResponse(body, status, media_type="application/problem+json")


def _is_for_machines(request: Request) -> bool:
    return request.url.path == "/api" or request.url.path.startswith("/api/")
