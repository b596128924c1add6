"""Send the world's time in the Date header of every response, instead of the server's."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from sandbox.clock import AdjustableClock


class AppWithDateHeader(FastAPI):
    """FastAPI with `state.world.clock` in the Date header. Middleware cannot do it: it lacks the server's `send`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _remove_server_date(send)
            send = _with_date_header(send, self.state.world.clock)
        await super().__call__(scope, receive, send)


def _with_date_header(send: Send, clock: AdjustableClock) -> Send:
    async def send_with_date(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["date"] = formatdate(clock.now_ms() // 1000, usegmt=True)
            if clock.is_adjusted:
                # Tells clients not to warn about a wrong clock.
                headers["sandbox-clock"] = "turned"
        await send(message)

    return send_with_date


def _remove_server_date(send: Send) -> None:
    """Remove the Date header that uvicorn adds unless it runs with `date_header=False`.

    `send` is a method of uvicorn's request cycle, which holds the headers it adds.
    """
    cycle: Any = getattr(send, "__self__", None)
    if hasattr(cycle, "default_headers"):
        cycle.default_headers = [header for header in cycle.default_headers if header[0].lower() != b"date"]
