"""Cut off connections that send or read without end, before any page is asked.

uvicorn reads headers without end (60 MB of short ones became 1.3 GB of memory), waits for the end of a head for ever
and keeps an answer in memory for as long as its reader likes. Its HTTP parser stays as it is: `Connection` stands
between it and the transport, and `Watched` tells when the application begins and ends a request. Both use only
asyncio's Protocol and ASGI. The gallery and the GPU service import nothing of each other, so each has this file.

    uvicorn.Config(**limited(app), ...)

How long a body may take, the application decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

# One head, from the request line to the empty line; each line counts for more than its text, since many short headers
# take 24 times their length once they are parsed.
MAX_HEAD_BYTES, LINE_BYTES = 64 * 1024, 128
# Of a chunked body: what may arrive beyond twice what the application has read of it.
MAX_UNREAD_BYTES = 384 * 1024
# From the connection, or the first byte of a further request, until the application begins to answer.
HEAD_SECONDS = 10.0
# The rest of a body that was answered early is read past for so long: a browser sees the answer only after it.
DRAIN_SECONDS = 60.0
# In so many seconds a reader takes at least so many bytes. A kernel whose own buffer is full takes the next bytes a
# megabyte at a time.
READ_SECONDS, READ_BYTES = 60.0, 1024 * 1024

_STATE = "connection_progress"
_END_OF_HEAD = b"\r\n\r\n"


def limited(app: ASGIApp) -> dict[str, Any]:
    """Return the arguments for `uvicorn.Config`. A WebSocket would leave the limits behind, so there are none."""
    return {"app": Watched(app), "http": Connection, "ws": "none"}


class Progress:
    """How much of the current request has arrived, and whether more may."""

    def __init__(self) -> None:
        self._head = self._body_left = self._early = 0
        self._tail = b""
        self._in_head, self._is_chunked = True, False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connected(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first head."""
        self._transport = transport
        self._arm(HEAD_SECONDS)

    def accepts(self, data: bytes) -> bool:
        """Count what arrived. Return False if it is too much."""
        body = min(len(data), self._body_left)
        self._body_left -= body
        if body == len(data):
            return True
        if self._timer is None and self._in_head:
            self._arm(HEAD_SECONDS)
        if self._in_head:
            return self._accepts_head(data[body:])
        if self._is_chunked:
            self._head += len(data)
            return self._head <= MAX_UNREAD_BYTES
        self._head += _weight(data[body:])  # of the next request, before this one is answered
        return self._head <= MAX_HEAD_BYTES

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The application begins to answer a request with these headers (lower-case names)."""
        self._disarm()
        named = dict(headers)
        length = named.get(b"content-length", b"")
        self._is_chunked = b"transfer-encoding" in named
        declared = int(length) if length.isdigit() and not self._is_chunked else 0
        self._body_left = max(0, declared - self._early)
        self._head = max(0, self._early - declared)
        self._in_head, self._early, self._tail = False, 0, b""

    def read(self, size: int) -> None:
        """The application has taken so many bytes of the body."""
        if self._is_chunked:
            self._head -= 2 * size

    def end(self) -> None:
        """The answer is complete; what arrives from now on is the rest of the body, or the next head."""
        if self._body_left:
            self._arm(DRAIN_SECONDS)
        elif self._head > 0 and not self._is_chunked:
            self._arm(HEAD_SECONDS)  # the next head has begun already
        # The rest of a chunked body is taken for a head that is too long, and ends the connection.
        self._in_head, self._is_chunked, self._head = True, False, 0

    def lost(self) -> None:
        """The connection is over."""
        self._disarm()

    def _accepts_head(self, data: bytes) -> bool:
        head, end, body = (self._tail + data).partition(_END_OF_HEAD)
        self._head += _weight(head[len(self._tail) :])
        # The application learns of the request in the next turn of the loop.
        self._early = len(body)
        self._tail = b"" if end else head[-3:]
        return self._head <= MAX_HEAD_BYTES

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


class Connection(asyncio.Protocol):
    """uvicorn's protocol with limits. What goes beyond them is closed without an answer."""

    def __init__(self, *, app_state: dict[str, Any], **given: Any) -> None:
        protocol: Callable[..., asyncio.Protocol] = AutoHTTPProtocol
        self._progress = Progress()
        # uvicorn hands this on as `scope["state"]`.
        self._http = protocol(app_state=app_state | {_STATE: self._progress}, **given)
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
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


class Watched:
    """ASGI: tell the connection's `Progress` when a request begins, what is read of it, and when its answer ends."""

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
