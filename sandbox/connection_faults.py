"""Drop connections without a response, as broken networks do."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_RECEIVE_KEY = "sandbox.connection_faults"


class ConnectionCapture:
    """Middleware that stores the server's own `receive` in the scope: the connection is reachable through it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[_RECEIVE_KEY] = receive
        await self.app(scope, receive, send)


class DropConnection(Response):
    """A response that closes the connection. An exception would become a 500 with a body."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        receive = scope.get(_RECEIVE_KEY)
        transport = _transport(receive)
        if receive is None or transport is None:
            raise ConnectionResetError("connection dropped by a sandbox fault")
        transport.abort()
        # uvicorn logs a call without a response as an error unless it saw the disconnect first.
        while (await receive())["type"] != "http.disconnect":
            pass


def _transport(receive: Receive | None) -> asyncio.Transport | None:
    """Return the transport of uvicorn's request cycle, or None on other servers."""
    transport: asyncio.Transport | None = getattr(getattr(receive, "__self__", None), "transport", None)
    return transport
