"""The line to the client, and how it breaks: cut without an answer, as a network does it. Knows servers, not X."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_LINE = "sandbox.line"


class Line:
    """Remembers the server's own `receive` of each call: behind it stands the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[_LINE] = receive
        await self.app(scope, receive, send)


class Silence(Response):
    """In place of an answer: the connection is cut. An error raised instead would become a 500 with a body."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        receive = scope.get(_LINE)
        transport = _transport(receive)
        if receive is None or transport is None:
            raise ConnectionResetError("the line is cut, by a fault that was asked for")
        transport.abort()
        # The server takes a call that ends without an answer for a bug, unless it has seen the line go.
        while (await receive())["type"] != "http.disconnect":
            pass


def _transport(receive: Any) -> Any:
    """uvicorn's receive is a method of the call's cycle, which holds the connection; other servers have none for us."""
    return getattr(getattr(receive, "__self__", None), "transport", None)
