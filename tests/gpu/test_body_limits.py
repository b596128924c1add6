"""Request bodies: limits of size, number, time and memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import Request

from gpu.api.body_limits import BodyReader, BodyTooLarge, MemoryBudget
from gpu.api.contract import MAX_BODY_BYTES
from gpu.engine import QueueFull

MB = 1024 * 1024


def request(*chunks: bytes, length: int | None = None, gate: Any = None) -> Any:
    """Return a request whose first chunk arrives at once, and the others when the gate opens."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        if gate and len(left) < len(chunks):
            await gate.wait()
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(bodies: Any, memory: Any, asked: Any) -> Any:
    async def reading() -> Any:
        with memory.reserve() as resize:
            return await bodies.read(asked, resize)

    return asyncio.run(reading())


def test_a_body_in_chunks_is_read_completely() -> None:
    assert read(BodyReader(2), MemoryBudget(), request(b"ab", b"", b"c", length=3)) == b"abc"


@pytest.mark.parametrize("length", [None, 3, MAX_BODY_BYTES + 1, 10**40])
def test_a_body_too_large_is_not_read_to_its_end(length: int | None) -> None:
    memory = MemoryBudget()
    with pytest.raises(BodyTooLarge):
        read(BodyReader(2), memory, request(*[bytes(MB)] * 15, length=length))
    assert memory.used == 0


def test_a_body_reserves_memory_from_its_first_byte_and_releases_it() -> None:
    async def reading() -> None:
        memory, gate = MemoryBudget(10 * MB), asyncio.Event()

        async def one() -> Any:
            with memory.reserve() as resize:
                return await BodyReader(2).read(request(b"a", b"b", length=8 * MB, gate=gate), resize)

        first = asyncio.create_task(one())
        await asyncio.sleep(0)
        assert memory.used == 8 * MB
        with pytest.raises(QueueFull):
            await one()
        gate.set()
        await first
        assert memory.used == 0

    asyncio.run(reading())


def test_a_body_of_unknown_length_reserves_memory_as_it_arrives() -> None:
    memory = MemoryBudget(3 * MB)
    with pytest.raises(QueueFull):
        read(BodyReader(2), memory, request(*[bytes(MB)] * 4))
    assert memory.used == 0
    assert len(read(BodyReader(2), memory, request(*[bytes(MB)] * 3))) == 3 * MB


def test_a_reservation_that_shrinks_frees_memory() -> None:
    memory = MemoryBudget(10)
    with memory.reserve() as resize_one, memory.reserve() as resize_other:
        resize_one(10)
        with pytest.raises(QueueFull):
            resize_other(1)
        resize_one(4)
        resize_other(6)
        assert memory.used == 10
    assert memory.used == 0
