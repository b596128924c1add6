"""Builds the app: the API behind its gate, the control API, the page, the pictures. Wires only; decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import (
    control,
    control_clock,
    control_faults,
    control_limits,
    control_money,
    control_people,
    control_rules,
    page,
    signin,
    texts,
)
from sandbox.browsers import OwnPagesOnly
from sandbox.clock import Clock, WallClock
from sandbox.dates import Dated
from sandbox.line import Line
from sandbox.model import Refused
from sandbox.opening import open_world
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.world import World
from sandbox.x import oauth2, old_media
from sandbox.x.gate import Gate
from sandbox.x.table import ENDPOINTS

HERE = Path(__file__).parent
MAX_REQUEST = 32 * 1024 * 1024  # four pictures of 5 MB in base64
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_STATUS = {
    "no-post": 404,
    "not-renamed": 409,
    "no-person": 404,
    "no-fault": 404,
    "reply-target": 404,
    "quote-target": 404,
}


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Opens (or begins) the world in `settings.data`; without a folder a fresh one in memory."""
    settings = settings or Settings()
    world = World(settings, clock or WallClock(), Store(settings.data))
    open_world(world)
    # No /docs: its page would fetch scripts from elsewhere; README.md describes the control API.
    app = Dated(
        title="Sandbox: a stand-in for X", lifespan=_lifespan, redirect_slashes=False, docs_url=None, redoc_url=None
    )
    app.state.world, app.state.gate = world, Gate(world, ENDPOINTS)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_middleware(OwnPagesOnly, hosts=[settings.host, *settings.hosts])
    app.add_middleware(_Guard)
    app.add_middleware(Line)
    app.include_router(oauth2.router)
    app.include_router(old_media.router)
    app.include_router(signin.router)
    app.add_api_route("/2/{path:path}", app.state.gate.pass_through, methods=METHODS, include_in_schema=False)
    app.include_router(control.router)
    app.include_router(control_people.router)
    app.include_router(control_faults.router)
    for house in (control_clock, control_limits, control_rules, control_money):
        app.include_router(house.router)
    app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.world.store.close()


class _Guard:
    """No endless bodies in; and nothing that a hostile post could smuggle into the page comes to life."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            """Counts what really comes: a body sent in chunks says no length before."""
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_REQUEST:
                raise HTTPException(413, "The request is too large.", {"connection": "close"})
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-content-type-options"] = "nosniff"
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif int(Headers(scope=scope).get("content-length", "0")) > MAX_REQUEST:
            await JSONResponse({"detail": "The request is too large."}, 413)(scope, receive, guarded)
        else:
            await self.app(scope, bounded, guarded)


async def _refused(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 registered for nothing else
    return JSONResponse({"detail": refused.detail, "code": refused.code}, _STATUS.get(refused.code, 422))


async def _unreadable(_request: Request, error: Exception) -> Response:
    """FastAPI's own answer repeats the input, which may hold what no UTF-8 can."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 registered for nothing else
    reasons: list[dict[str, Any]] = [
        {"where": [texts.scrub(str(step))[:100] for step in one["loc"]], "reason": texts.scrub(str(one["msg"]))[:300]}
        for one in error.errors()
    ]
    return JSONResponse({"detail": "The request can not be read.", "errors": reasons}, 422)
