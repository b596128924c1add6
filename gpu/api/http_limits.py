"""Close connections that send or read without end, before a request reaches the application.

uvicorn (with httptools) reads headers without limit (60 MB of short ones became 1.3 GB of memory), waits forever for
the end of a head, and keeps a response in memory for as long as its reader likes. `LimitedProtocol` stands between the
transport and uvicorn's own protocol. `RequestProgressMiddleware` reports when the application starts and ends a
request. Both use only asyncio's Protocol, ASGI, and `uvicorn.Config(http=...)`.

    uvicorn.Config(**limited(app), ...)

`body_limits.py` decides how long a body may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

# One head, from the request line to the empty line. Each line counts for more than its text, because many short headers
# take 24 times their length when they are parsed.
MAX_HEAD_BYTES, LINE_BYTES = 64 * 1024, 128
# Bytes of a chunked body that may arrive beyond twice what the application has read.
MAX_UNREAD_BYTES = 384 * 1024
# Bytes of a body that may arrive with its head, before the application starts the request. uvicorn stops to read after
# 64 KB; uvloop hands over 256 KB at a time.
MAX_EARLY_BYTES = 1024 * 1024
# From the connection, or the first byte of a further request, until the application starts the request.
HEAD_SECONDS = 10.0
# How long the rest of a refused body is read past, because its sender sees the response only after it.
DRAIN_SECONDS = 60.0
# A reader takes at least so many bytes in so many seconds. A kernel with a full buffer takes a megabyte at a time.
READ_SECONDS, READ_BYTES = 60.0, 1024 * 1024

_STATE = "connection_progress"
_END_OF_HEAD = b"\r\n\r\n"


def limited(app: ASGIApp) -> dict[str, Any]:
    """Return arguments for `uvicorn.Config`. WebSockets are off, because they would leave the limits behind."""
    return {"app": RequestProgressMiddleware(app), "http": LimitedProtocol, "ws": "none"}


class Progress:
    """Counts the bytes of the current request, and aborts the connection if its time is over."""

    def __init__(self) -> None:
        self._head = self._body_left = self._early = 0
        self._tail = b""
        self._in_head, self._has_head, self._is_chunked = True, False, False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connected(self, transport: asyncio.Transport) -> None:
        """Start to wait for the first head."""
        self._transport = transport
        self._arm(HEAD_SECONDS)

    def accepts(self, data: bytes) -> bool:
        """Count received data. Return False if it is too much."""
        body = min(len(data), self._body_left)
        self._body_left -= body
        if body == len(data):
            return True
        if self._timer is None and self._in_head:
            self._arm(HEAD_SECONDS)
        if self._in_head:
            return self._accepts_body(data[body:]) if self._has_head else self._accepts_head(data[body:])
        if self._is_chunked:
            self._head += len(data)
            return self._head <= MAX_UNREAD_BYTES
        self._head += _weight(data[body:])  # of the next request, before this one is answered
        return self._head <= MAX_HEAD_BYTES

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Note that the application starts a request with these headers (lower-case names)."""
        self._disarm()
        named = dict(headers)
        length = named.get(b"content-length", b"")
        self._is_chunked = b"transfer-encoding" in named
        declared = int(length) if length.isdigit() and not self._is_chunked else 0
        self._body_left = max(0, declared - self._early)
        self._head = max(0, self._early - declared)
        self._in_head, self._has_head, self._early, self._tail = False, False, 0, b""

    def read(self, size: int) -> None:
        """Note that the application has read so many bytes of the body."""
        if self._is_chunked:
            self._head -= 2 * size

    def end(self) -> None:
        """Note that the response is complete. Later bytes are the rest of the body, or the next head."""
        if self._body_left:
            self._arm(DRAIN_SECONDS)
        elif self._head > 0 and not self._is_chunked:
            self._arm(HEAD_SECONDS)  # the next head has started already
        # The rest of a chunked body counts as a head that is too long, and ends the connection.
        self._in_head, self._is_chunked, self._head = True, False, 0

    def lost(self) -> None:
        """Stop all timers: the connection is closed."""
        self._disarm()

    def _accepts_head(self, data: bytes) -> bool:
        head, end, body = (self._tail + data).partition(_END_OF_HEAD)
        self._head += _weight(head[len(self._tail) :])
        self._early = len(body)
        self._has_head = bool(end)
        self._tail = b"" if end else head[-3:]
        return self._head <= MAX_HEAD_BYTES

    def _accepts_body(self, data: bytes) -> bool:
        # The application starts the request in the next iteration of the event loop. More may arrive in this one.
        self._early += len(data)
        return self._early <= MAX_EARLY_BYTES

    def _arm(self, seconds: float) -> None:
        self._disarm()
        if self._transport is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.abort)

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None


def _weight(head: bytes) -> int:
    return len(head) + LINE_BYTES * head.count(b"\n")


class LimitedProtocol(asyncio.Protocol):
    """uvicorn's protocol with limits. A connection beyond them is closed without a response."""

    def __init__(self, *, app_state: dict[str, Any], **options: Any) -> None:
        protocol: Callable[..., asyncio.Protocol] = AutoHTTPProtocol
        self._progress = Progress()
        # uvicorn passes this on as `scope["state"]`.
        self._http = protocol(app_state=app_state | {_STATE: self._progress}, **options)
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always a stream
        self._transport = transport
        self._progress.connected(transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._progress.lost()
        self._unwatch_reader()
        self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._progress.accepts(data):
            self._http.data_received(data)
        else:
            self._transport.abort()

    def eof_received(self) -> bool | None:
        return self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._unwatch_reader()
        self._http.resume_writing()

    def _watch_reader(self) -> None:
        left = self._transport.get_write_buffer_size()
        self._stall = asyncio.get_running_loop().call_later(READ_SECONDS, self._check_reader, left)

    def _check_reader(self, before: int) -> None:
        if self._transport.get_write_buffer_size() > max(0, before - READ_BYTES):
            self._transport.abort()
        else:
            self._watch_reader()

    def _unwatch_reader(self) -> None:
        if self._stall:
            self._stall.cancel()
        self._stall = None


class RequestProgressMiddleware:
    """Plain ASGI middleware: report the start of a request, reads of its body, and the end of its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        progress: Progress | None = scope.get("state", {}).get(_STATE) if scope["type"] == "http" else None
        if progress is None:
            await self._app(scope, receive, send)
            return

        async def receive_counted() -> Message:
            message = await receive()
            progress.read(len(message.get("body", b"")))
            return message

        async def send_watched(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                progress.end()

        progress.begin(scope["headers"])
        await self._app(scope, receive_counted, send_watched)
