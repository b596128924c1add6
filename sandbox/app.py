"""Create the FastAPI app: X's API, the control API, the web page and the media files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.clock import Clock, WallClock
from sandbox.connection_faults import ConnectionCapture
from sandbox.control import billing, faults, limits, posts, rules, users
from sandbox.control import clock as clock_control
from sandbox.date_header import AppWithDateHeader
from sandbox.model import RuleViolation
from sandbox.seed_data import seed_world
from sandbox.settings import SandboxSettings
from sandbox.store import Store
from sandbox.text_parser import scrub
from sandbox.web import routes, sign_in
from sandbox.web.same_site import SameSiteMiddleware
from sandbox.world import World
from sandbox.x import legacy_media_upload, oauth2
from sandbox.x.dispatcher import CallDispatcher
from sandbox.x.endpoints import ENDPOINTS

HERE = Path(__file__).parent
MAX_REQUEST_BYTES = 32 * 1024 * 1024  # bytes: four images of 5 MB in base64
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_STATUS = {
    "no-post": 404,
    "not-renamed": 409,
    "no-person": 404,
    "no-fault": 404,
    "reply-target": 404,
    "quote-target": 404,
}


def _routes_of(*modules: Any) -> list[BaseRoute]:
    combined = APIRouter()
    for module in modules:
        combined.include_router(module.router)
    return combined.routes


# Shared by all apps of a process: FastAPI analyzes them on the first request, and a test run creates many apps.
_FIRST_ROUTES = _routes_of(oauth2, legacy_media_upload, sign_in)
_LAST_ROUTES = _routes_of(posts, users, faults, clock_control, limits, rules, billing, routes)


def create_app(settings: SandboxSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app with the world stored in `settings.data`, or with a new one in memory if there is no folder."""
    settings = settings or SandboxSettings()
    world = World(settings, clock or WallClock(), Store(settings.data))
    seed_world(world)
    # No /docs: that page loads scripts from other sites. README.md describes the control API.
    app = AppWithDateHeader(
        title="Sandbox: a simulator of X", lifespan=_lifespan, redirect_slashes=False, docs_url=None, redoc_url=None
    )
    app.state.world, app.state.dispatcher = world, CallDispatcher(world, ENDPOINTS)
    app.add_exception_handler(RuleViolation, _handle_refused)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_middleware(SameSiteMiddleware, hosts=[settings.host, *settings.hosts])
    app.add_middleware(_BodyLimitMiddleware)
    app.add_middleware(ConnectionCapture)
    app.router.routes.extend(_FIRST_ROUTES)
    app.add_api_route("/2/{path:path}", app.state.dispatcher.handle, methods=METHODS, include_in_schema=False)
    app.router.routes.extend(_LAST_ROUTES)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.world.store.close()


class _BodyLimitMiddleware:
    """Refuse bodies above `MAX_REQUEST_BYTES`, and forbid browsers to guess content types."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def receive_limited() -> Message:
            """Count the bytes received: a chunked body announces no length."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_REQUEST_BYTES:
                raise HTTPException(413, "The request is too large.", {"connection": "close"})
            return message

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-content-type-options"] = "nosniff"
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif int(Headers(scope=scope).get("content-length", "0")) > MAX_REQUEST_BYTES:
            await JSONResponse({"detail": "The request is too large."}, 413)(scope, receive, send_guarded)
        else:
            await self.app(scope, receive_limited, send_guarded)


async def _handle_refused(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, RuleViolation)  # noqa: S101 registered for nothing else
    return JSONResponse({"detail": refused.detail, "code": refused.code}, _STATUS.get(refused.code, 422))


async def _handle_invalid_request(_request: Request, error: Exception) -> Response:
    """Answer 422 without the input: FastAPI repeats it, and lone surrogates in it cannot be encoded."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 registered for nothing else
    reasons = [
        {
            "where": [scrub(str(step))[:100] for step in item["loc"]],
            "reason": scrub(str(item["msg"]))[:300],
        }
        for item in error.errors()
    ]
    return JSONResponse({"detail": "The request is invalid.", "errors": reasons}, 422)
