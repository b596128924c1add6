"""Read request bodies within limits: each in bytes and seconds, all together in number and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import Request

from gpu.api.contract import MAX_BODY_BYTES, InvalidRequest
from gpu.engine import QueueFull

# 14 MB arrive in this time over 4 Mbit/s. A slower sender blocks others.
BODY_SECONDS = 30.0
# Bodies and init images together: 13 of the largest bodies, or 45 waiting images of 1024 x 1024.
MEMORY_BYTES = 192 * 1024 * 1024
RETRY_AFTER_SECONDS = 1

Resize = Callable[[int], None]


class BodyTooLarge(Exception):
    """The body has more than MAX_BODY_BYTES."""


class BodyTooSlow(Exception):
    """The body did not arrive within BODY_SECONDS."""


class MemoryBudget:
    """The bytes that all requests together may hold before they are generated. For the event loop only."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self.used = 0

    @contextmanager
    def reserve(self) -> Iterator[Resize]:
        """Give one request a reservation of 0 bytes, and release it at the end.

        The yielded function sets its size in bytes. It raises QueueFull if the budget has no room for the growth.
        """
        reserved = 0

        def resize(size: int) -> None:
            nonlocal reserved
            if size > reserved and self.used + size - reserved > self._limit:
                raise QueueFull(RETRY_AFTER_SECONDS)
            self.used += size - reserved
            reserved = size

        try:
            yield resize
        finally:
            self.used -= reserved


class BodyReader:
    """Reads at most `max_concurrent` bodies at once: slow senders block places, not memory."""

    def __init__(self, max_concurrent: int) -> None:
        self._max_concurrent = max_concurrent
        self._active = 0

    async def read(self, request: Request, resize: Resize) -> bytearray:
        """Return the body, for which `resize` reserves memory.

        Raises BodyTooLarge, BodyTooSlow, QueueFull, InvalidRequest, or ClientDisconnect.
        """
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise InvalidRequest(("Content-Encoding", "only plain JSON is read"))
        if self._active >= self._max_concurrent:
            raise QueueFull(RETRY_AFTER_SECONDS)
        self._active += 1
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _read_bounded(request, resize)
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            self._active -= 1


def content_length(request: Request) -> int | None:
    """Return the declared length in bytes, None if there is none."""
    length = request.headers.get("content-length", "")
    return int(length[:19]) if length.isascii() and length.isdecimal() else None


async def _read_bounded(request: Request, resize: Resize) -> bytearray:
    """Read the body, and stop as soon as it is known to be too large."""
    size = content_length(request) or 0
    _reserve(resize, size)
    body = bytearray()
    async for chunk in request.stream():
        size = max(size, len(body) + len(chunk))
        _reserve(resize, size)
        body += chunk
    return body


def _reserve(resize: Resize, size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge
    resize(size)
