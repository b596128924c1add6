"""Bodies of requests: never more of them, never longer, never more bytes than there is room for."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Request

from gpu.engine import QueueFull
from gpu.web.bodies import Bodies, Memory, TooLarge
from gpu.web.contract import MAX_BODY_BYTES

MB = 1024 * 1024


def request(*chunks, length=None, gate=None):
    """A request whose body comes in these chunks, the first at once and the others when the gate opens."""
    left = list(chunks)

    async def receive():
        if gate and len(left) < len(chunks):
            await gate.wait()
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(bodies, memory, asked):
    async def reading():
        with memory.share() as share:
            return await bodies.read(asked, share)

    return asyncio.run(reading())


def test_a_body_in_pieces_is_read_whole():
    assert read(Bodies(2), Memory(), request(b"ab", b"", b"c", length=3)) == b"abc"


@pytest.mark.parametrize("length", [None, 3, MAX_BODY_BYTES + 1, 10**40])
def test_a_body_too_large_is_not_read_to_its_end_whatever_length_it_claims(length):
    memory = Memory()
    with pytest.raises(TooLarge):
        read(Bodies(2), memory, request(*[bytes(MB)] * 15, length=length))
    assert memory.held == 0


def test_a_body_holds_its_room_from_its_first_byte_and_gives_it_back():
    async def reading():
        memory, gate = Memory(10 * MB), asyncio.Event()

        async def one():
            with memory.share() as share:
                return await Bodies(2).read(request(b"a", b"b", length=8 * MB, gate=gate), share)

        first = asyncio.create_task(one())
        await asyncio.sleep(0)
        assert memory.held == 8 * MB
        with pytest.raises(QueueFull):
            await one()
        gate.set()
        await first
        assert memory.held == 0

    asyncio.run(reading())


def test_a_body_of_unknown_length_takes_room_as_it_comes():
    memory = Memory(3 * MB)
    with pytest.raises(QueueFull):
        read(Bodies(2), memory, request(*[bytes(MB)] * 4))
    assert memory.held == 0
    assert len(read(Bodies(2), memory, request(*[bytes(MB)] * 3))) == 3 * MB


def test_a_share_that_shrinks_makes_room_even_where_there_was_none():
    memory = Memory(10)
    with memory.share() as one, memory.share() as other:
        one.becomes(10)
        with pytest.raises(QueueFull):
            other.becomes(1)
        one.becomes(4)
        other.becomes(6)
        assert memory.held == 10
    assert memory.held == 0
