"""Send requests to a service over HTTP with many concurrent callers, and measure the responses.

A raw client over asyncio's streams: a library's client takes about a millisecond of CPU per request, on a small machine
as much as what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

# Longer than any generation here. A response that takes longer counts as lost.
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Response:
    """One response: status, headers in lower case, body, and seconds from the request to the last byte."""

    request: dict[str, Any] | bytes
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)  # asyncio shows results of tasks as text
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One caller with one connection, opened when it is needed."""

    def __init__(self, url: str, *, token: str = "") -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._token = token
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self, request: dict[str, Any] | bytes, *, token: str | None = None, claims: int | None = None
    ) -> Response:
        """Send a request and read the response. Raises OSError, EOFError or TimeoutError if there is none.

        token: instead of the caller's own. claims: the Content-Length, instead of the real one.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                reader, writer = await self._connect()
                writer.write(self._encode(request, token, claims))
                status, headers, body = await self._read_response(reader)
                if claims is not None:
                    self.close()  # the server still waits for the rest of the body
                return Response(request, status, headers, body, time.perf_counter() - started)
        except BaseException:
            self.close()
            raise

    async def disconnect(self, request: dict[str, Any] | bytes, *, after: float, cut: int | None = None) -> None:
        """Send a request and disconnect after so many seconds. `cut`: send only so many bytes of it."""
        _, writer = await self._connect()
        writer.write(self._encode(request)[:cut])
        await asyncio.sleep(after)
        self.close()

    def close(self) -> None:
        if self._connection:
            self._connection[1].close()
        self._connection = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is None:
            self._connection = await asyncio.open_connection(self._host, self._port, limit=2**20)
        return self._connection

    def _encode(self, request: dict[str, Any] | bytes, token: str | None = None, claims: int | None = None) -> bytes:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        sent_token = self._token if token is None else token
        head = (
            f"POST /v1/paint HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body) if claims is None else claims}\r\n"
            + (f"Authorization: Bearer {sent_token}\r\n" if sent_token else "")
        )
        return head.encode() + b"\r\n" + body

    async def _read_response(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
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
class CrowdResult:
    """Responses in order of arrival, the total seconds, and the number of lost responses."""

    responses: list[Response] = field(default_factory=list)
    seconds: float = 0.0
    lost: int = 0

    @property
    def good(self) -> list[Response]:
        return [response for response in self.responses if response.status == 200]

    def rate(self) -> float:
        """Return good responses per second."""
        return len(self.good) / self.seconds if self.seconds else 0.0

    def latency(self, share: float) -> float:
        """Return the seconds within which this share (0 to 1) of the good responses arrived."""
        return percentile([response.seconds for response in self.good], share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of the values does not exceed; nan if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def crowd(
    url: str, callers: int, seconds: float, make_request: Callable[[int], dict[str, Any]], **options: str
) -> CrowdResult:
    """Run so many callers for so many seconds. Each sends its next request as soon as it has a response.

    `make_request` returns the request by its running number. Pending responses are awaited and counted at the end.
    """
    seen, number = CrowdResult(), iter(range(10**9))
    started = time.perf_counter()

    async def one(name: str) -> None:
        caller = Caller(url, **options)
        while time.perf_counter() - started < seconds:
            try:
                seen.responses.append(await caller.send(make_request(next(number))))
            except (OSError, EOFError):  # TimeoutError is an OSError
                seen.lost += 1
        caller.close()

    await asyncio.gather(*(one(f"caller-{n}") for n in range(callers)))
    seen.seconds = time.perf_counter() - started
    return seen
