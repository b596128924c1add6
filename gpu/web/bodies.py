"""Reads the bodies of requests: bounded each in bytes and seconds, and all of them in number and memory.

Knows HTTP requests; knows no order, no engine and no picture. It is for callers who have shown their token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from gpu.engine import QueueFull
from gpu.web.contract import MAX_BODY_BYTES, Unpaintable

# 14 MB arrive in this time over 4 Mbit/s; who is slower holds a place that others wait for.
BODY_SECONDS = 30.0
# Bodies and start pictures together: 13 of the largest bodies, or 45 waiting pictures of 1024 x 1024.
MEMORY_BYTES = 192 * 1024 * 1024
_RETRY_SECONDS = 1


class TooLarge(Exception):
    """The body has more than MAX_BODY_BYTES."""


class TooSlow(Exception):
    """The body did not come within BODY_SECONDS."""


class Memory:
    """How many bytes all orders together may hold before they are painted; used from the event loop only."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A share of nothing, which may grow; it is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.size

    def take(self, size: int) -> None:
        if size > 0 and self.held + size > self._limit:
            raise QueueFull(_RETRY_SECONDS)
        self.held += size


class Share:
    """One order's part of the memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    def becomes(self, size: int) -> None:
        """Hold `size` bytes instead; raises QueueFull when there is no room for so many more."""
        self._memory.take(size - self.size)
        self.size = size


class Bodies:
    """No more of them are under way at once than `at_once`: slow ones hold places, not memory."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._under_way = 0

    async def read(self, request: Request, share: Share) -> bytearray:
        """The body, which `share` holds. Raises TooLarge, TooSlow, QueueFull, Unpaintable, or ClientDisconnect."""
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Unpaintable(("Content-Encoding", "only plain JSON is read"))
        if self._under_way >= self._at_once:
            raise QueueFull(_RETRY_SECONDS)
        self._under_way += 1
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _bounded(request, share)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._under_way -= 1


def declared(request: Request) -> int | None:
    """The bytes that the body says it has; None if it does not say."""
    length = request.headers.get("content-length", "")
    return int(length[:19]) if length.isascii() and length.isdecimal() else None


async def _bounded(request: Request, share: Share) -> bytearray:
    """The body; it ends as soon as it is clear that it is too large."""
    _hold(share, declared(request) or 0)
    body = bytearray()
    async for chunk in request.stream():
        _hold(share, max(share.size, len(body) + len(chunk)))
        body += chunk
    return body


def _hold(share: Share, size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise TooLarge
    share.becomes(size)
