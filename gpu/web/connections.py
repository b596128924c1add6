"""One connection of the HTTP server, bounded before anybody has shown a token. Knows uvicorn's protocol, no order.

uvicorn takes headers without end (150 MB of short ones became 2 GB of memory), waits for a first request for ever, and
keeps an answer in memory for as long as its reader likes. Modal's own front does all of this; a machine at home has
only this.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gpu.web.contract import MAX_BODY_BYTES

# Headers of one request, as other servers allow; and what may come between two things that are parsed.
_HEAD_BYTES = 64 * 1024
# What a header costs beside its text, so that many empty ones count as well.
_FIELD_BYTES = 64
# From the connection, or the first byte of a further request, to the end of its headers.
HEAD_SECONDS = 10.0
# In so many seconds a reader takes so many bytes of its answer. It is a modest pace, but a kernel that has its own
# buffer full takes the next bytes a megabyte at a time.
READ_SECONDS, READ_BYTES = 60.0, 1024 * 1024


class Connection(HttpToolsProtocol):
    """What goes beyond the bounds is closed without an answer: it is no caller of ours."""

    _timer: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _unparsed = _fields = _body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._reads()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > _HEAD_BYTES or self._fields > _HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unparsed = self._fields = self._body = 0
        if self._timer is None:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unparsed = 0
        self._fields += len(name) + len(value) + _FIELD_BYTES
        # Those behind a body count too; uvicorn would gather them and look at none.
        if self._fields <= _HEAD_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        self._body += len(body)
        super().on_body(body)
        # Read past so that its sender sees the answer, but not for ever.
        if self._body > 2 * MAX_BODY_BYTES and self.cycle.response_complete:
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._reads()
        super().resume_writing()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _watch_reader(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(READ_SECONDS, self._still_reads, left)

    def _still_reads(self, before: int) -> None:
        """Whoever takes less than the least there is to take is gone, or means harm."""
        left = self.transport.get_write_buffer_size()
        if left > max(0, before - READ_BYTES):
            self.transport.abort()
        else:
            self._watch_reader()

    def _reads(self) -> None:
        if self._stall:
            self._stall.cancel()
        self._stall = None
