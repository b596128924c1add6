"""Callers of a painter over HTTP: a raw client, many of them at once, and what they saw in numbers.

Knows HTTP/1.1 with kept connections and asyncio's streams, nothing of painting. A library's client costs about a
millisecond of CPU a request, on a small machine as much as what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

# Longer than any painting here: who waits longer counts as lost.
PATIENCE = 120.0


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in lower case, body, and seconds from asking to the last byte."""

    asked: dict[str, Any] | bytes
    status: int
    headers: dict[str, str]
    body: bytes
    wall: float

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One caller with one connection, opened when it is needed. `name` goes along as X-Caller."""

    def __init__(self, url: str, *, name: str = "bench", token: str = "") -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._name, self._token = name, token
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, asked: dict[str, Any] | bytes, *, token: str | None = None, claims: int | None = None
    ) -> Answer:
        """Ask and read the answer to its end. Raises OSError, EOFError or TimeoutError where none comes.

        `token` in place of the caller's own; `claims` so many bytes in Content-Length, whatever is sent.
        """
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await self._open()
                writer.write(self._request(asked, token, claims))
                status, headers, body = await self._answer(reader)
                if claims is not None:
                    self.close()  # the server still waits for the rest of it here
                return Answer(asked, status, headers, body, time.perf_counter() - began)
        except BaseException:
            self.close()
            raise

    async def hang_up(self, asked: dict[str, Any] | bytes, *, after: float, cut: int | None = None) -> None:
        """Ask, and be gone after so many seconds; with `cut` only so many bytes of the request are ever sent."""
        _, writer = await self._open()
        writer.write(self._request(asked)[:cut])
        await asyncio.sleep(after)
        self.close()

    def close(self) -> None:
        if self._line:
            self._line[1].close()
        self._line = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._line is None:
            self._line = await asyncio.open_connection(self._host, self._port, limit=2**20)
        return self._line

    def _request(self, asked: dict[str, Any] | bytes, token: str | None = None, claims: int | None = None) -> bytes:
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        word = self._token if token is None else token
        head = (
            f"POST /v1/paint HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"X-Caller: {self._name}\r\n"
            f"Content-Length: {len(body) if claims is None else claims}\r\n"
            + (f"Authorization: Bearer {word}\r\n" if word else "")
        )
        return head.encode() + b"\r\n" + body

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(_header(line) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(head[0].split(" ", 2)[1]), headers, body


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


@dataclass
class Seen:
    """What a crowd saw: answers in the order they came, how long it all took, and how many never came."""

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    lost: int = 0

    @property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 200]

    def per_second(self) -> float:
        return len(self.good) / self.seconds if self.seconds else 0.0

    def wall(self, share: float) -> float:
        """The time in seconds within which this share (0 to 1) of the good answers came."""
        return percentile([answer.wall for answer in self.good], share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all do not exceed; nan where there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def crowd(url: str, callers: int, seconds: float, ask: Callable[[int], dict[str, Any]], **given: str) -> Seen:
    """So many callers, each asking again as soon as it is answered, for so many seconds.

    `ask` gives the request by its running number. Answers under way at the end are waited for and counted.
    """
    seen, number = Seen(), iter(range(10**9))
    began = time.perf_counter()

    async def one(name: str) -> None:
        caller = Caller(url, name=name, **given)
        while time.perf_counter() - began < seconds:
            try:
                seen.answers.append(await caller.ask(ask(next(number))))
            except (OSError, EOFError):  # TimeoutError is an OSError
                seen.lost += 1
        caller.close()

    await asyncio.gather(*(one(f"caller-{n}") for n in range(callers)))
    seen.seconds = time.perf_counter() - began
    return seen
