"""Puts the world's time into the Date header of every answer, and keeps the server's own out. Knows no rules."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from sandbox.clock import Clock


class Dated(FastAPI):
    """`state.world.clock` is read; it is here and not a middleware because those never see the server's own `send`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _silence_server(send)
            send = _dated(send, self.state.world.clock)
        await super().__call__(scope, receive, send)


def _dated(send: Send, clock: Clock) -> Send:
    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["date"] = formatdate(clock.now_ms() // 1000, usegmt=True)
            if getattr(clock, "is_turned", False):
                # Says that this Date is no reason to think that a clock is wrong.
                headers["sandbox-clock"] = "turned"
        await send(message)

    return dated


def _silence_server(send: Send) -> None:
    """Uvicorn adds its own Date unless it was started with `date_header=False`; whoever serves us may have forgotten.

    `send` is a method of its request cycle, which holds the headers it adds. Two dates would be one too many.
    """
    cycle: Any = getattr(send, "__self__", None)
    if hasattr(cycle, "default_headers"):
        cycle.default_headers = [header for header in cycle.default_headers if header[0].lower() != b"date"]
