"""Close connections of clients that send too much, or send or read too slowly.

uvicorn 0.54 with httptools reads headers of any size, and waits without end for a request to arrive and for a response
to be read. `GuardedProtocol` stands between the transport and uvicorn's own protocol. `RequestGuardMiddleware` reports
when the application starts and ends a request. Both use only asyncio's Protocol, ASGI, and `uvicorn.Config(http=...)`.
The application decides how long a body may take and how large it may be (`forms.py`).
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of the headers of a request, or of what follows its body. What arrives in one piece with them does not count.
MAX_HEAD_BYTES = 64 * 1024
# From the connection until the application starts its first request.
HEAD_SECONDS = 10.0
# From the first byte after a response until the next request starts. If a large form was refused, a browser first sends
# the rest of it, and shows the response only then.
NEXT_SECONDS = 60.0
# A reader takes at least so many bytes in so many seconds. A kernel with a full buffer takes a megabyte at a time.
READ_SECONDS, READ_BYTES = 60.0, 1024 * 1024

_STATE = "request_guard"


class RequestGuard:
    """Abort a connection if its request does not reach the application in time, or is larger than it says."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._is_in_application = False
        self._allowed_bytes = MAX_HEAD_BYTES

    def connected(self, transport: asyncio.Transport) -> None:
        """Wait for the first request."""
        self._transport = transport
        self._start(HEAD_SECONDS)

    def data_received(self, size: int) -> None:
        """Count the bytes. Wait for the next request, if this is its first data."""
        if self._allowed_bytes < 0 and self._transport is not None:
            self._transport.abort()
        self._allowed_bytes -= size
        if self._handle is None and not self._is_in_application:
            self._start(NEXT_SECONDS)

    def request_started(self, body_length: int) -> None:
        """Leave all timeouts to the application. After the body, a client may send the headers of one more request."""
        self._is_in_application = True
        self._allowed_bytes = body_length + MAX_HEAD_BYTES
        self.cancel()

    def request_ended(self) -> None:
        """Wait again as soon as data arrives. uvicorn itself closes idle connections (`timeout_keep_alive`)."""
        self._is_in_application = False

    def cancel(self) -> None:
        """Stop waiting."""
        if self._handle:
            self._handle.cancel()
        self._handle = None

    def _start(self, seconds: float) -> None:
        if self._transport is not None:
            self._handle = asyncio.get_running_loop().call_later(seconds, self._transport.abort)


class GuardedProtocol(asyncio.Protocol):
    """uvicorn's protocol with timeouts and a bound for headers."""

    def __init__(self, *, app_state: dict[str, Any], **options: Any) -> None:
        self._guard = RequestGuard()
        # uvicorn passes this on as `scope["state"]`.
        self._http = HttpToolsProtocol(app_state=app_state | {_STATE: self._guard}, **options)
        self._read_check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always a stream
        self._transport = transport
        self._guard.connected(transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.cancel()
        self._cancel_read_check()
        self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._guard.data_received(len(data))
        self._http.data_received(data)

    def eof_received(self) -> None:
        self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()
        self._schedule_read_check()

    def resume_writing(self) -> None:
        self._cancel_read_check()
        self._http.resume_writing()

    def _schedule_read_check(self) -> None:
        unread = self._transport.get_write_buffer_size()
        self._read_check = asyncio.get_running_loop().call_later(READ_SECONDS, self._check_reader, unread)

    def _check_reader(self, unread_before: int) -> None:
        if self._transport.get_write_buffer_size() > max(0, unread_before - READ_BYTES):
            self._transport.abort()
        else:
            self._schedule_read_check()

    def _cancel_read_check(self) -> None:
        if self._read_check:
            self._read_check.cancel()
        self._read_check = None


class RequestGuardMiddleware:
    """Plain ASGI middleware: notify the connection's guard when a request starts and when its response ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        guard: RequestGuard | None = scope.get("state", {}).get(_STATE) if scope["type"] == "http" else None
        if guard is None:
            await self._app(scope, receive, send)
            return

        async def send_watched(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                guard.request_ended()

        guard.request_started(_body_length(scope))
        await self._app(scope, receive, send_watched)


def _body_length(scope: Scope) -> int:
    """Return the length that the request declares; 0 for none, as of a body in chunks."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0
