"""Send requests with little overhead: each caller keeps one connection and sends the next request at once.

Parses only the necessary parts of HTTP: the status, and a length or the end of a chunked body.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from urllib.parse import urlencode

from gallery.web.csrf import csrf_token
from tests.bench.gallery_rows import Filled


@dataclass(frozen=True)
class PageRequest:
    """One request. `form`: its fields if it is a POST."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None

    def as_bytes(self, address: str) -> bytes:
        """Return the bytes to send, with a client address of its own, so that no rate limit applies."""
        body = urlencode(self.form).encode() if self.form is not None else b""
        headers = {"Host": "bench", "X-Forwarded-For": address, **self.headers}
        if self.form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        lines = [f"{'POST' if self.form is not None else 'GET'} {self.path} HTTP/1.1"]
        return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


@dataclass
class Measured:
    """Seconds of each response, and the number of failures."""

    took: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return responses per second."""
        return len(self.took) / self.seconds

    def percentile(self, percent: int) -> float:
        """Return a percentile of the response times in milliseconds."""
        if len(self.took) < 2:
            return 1000 * sum(self.took)
        return 1000 * statistics.quantiles(self.took, n=100)[percent - 1]


async def send_requests(url: str, requests: Sequence[PageRequest], callers: int, seconds: float) -> Measured:
    """Send the requests in random order for some seconds, so that no round profits from the previous one."""
    order = cycle(random.sample(requests, len(requests)))
    return await _call(url, order.__next__, callers, seconds)


async def send_on_schedule(url: str, requests: Sequence[PageRequest], rate: int, seconds: int) -> Measured:
    """Send `rate` requests a second at fixed times, and measure from those times, not from the actual sending.

    So a pause of the server counts for every request that should have been sent in it.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    order, measured = cycle(random.sample(requests, len(requests))), Measured(seconds=seconds)
    started = time.perf_counter() + 0.5
    schedules = [[started + second + number / rate for second in range(seconds)] for number in range(rate)]
    await asyncio.gather(*(_scheduled_caller(host, int(port), order.__next__, each, measured) for each in schedules))
    return measured


async def like_and_unlike(url: str, filled: Filled, callers: int, seconds: float) -> Measured:
    """Like and unlike creations as members, each with their own session, within the rate limits."""
    turns = _likes(filled)
    return await _call(url, turns.__next__, callers, seconds)


def _likes(filled: Filled) -> Iterator[PageRequest]:
    chance = random.Random(time.monotonic_ns())
    for number in count():
        value = filled.logins[number % len(filled.logins)]
        creation_id = chance.randrange(1, filled.creations + 1)
        headers = {"Cookie": f"login={value}", "Accept": "application/json"}
        for verb in ("like", "unlike"):
            yield PageRequest(f"/c/{creation_id}/{verb}", headers, {"token": csrf_token(value)})


async def _call(url: str, next_one: Callable[[], PageRequest], callers: int, seconds: float) -> Measured:
    host, _, port = url.removeprefix("http://").partition(":")
    measured = Measured()
    started = time.perf_counter()
    await asyncio.gather(*(_caller(host, int(port), next_one, started + seconds, measured) for _ in range(callers)))
    measured.seconds = time.perf_counter() - started
    return measured


async def _caller(host: str, port: int, next_one: Callable[[], PageRequest], until: float, measured: Measured) -> None:
    reader, writer = await asyncio.open_connection(host, port, limit=2**20)
    while time.perf_counter() < until:
        request = next_one().as_bytes(_random_address())
        started = time.perf_counter()
        writer.write(request)
        status = await _answer(reader)
        measured.took.append(time.perf_counter() - started)
        measured.failed += not 200 <= status < 400
    writer.close()
    await writer.wait_closed()


async def _scheduled_caller(
    host: str, port: int, next_one: Callable[[], PageRequest], schedule: Sequence[float], measured: Measured
) -> None:
    reader, writer = await asyncio.open_connection(host, port, limit=2**20)
    for due in schedule:
        await asyncio.sleep(due - time.perf_counter())
        writer.write(next_one().as_bytes(_random_address()))
        status = await _answer(reader)
        measured.took.append(time.perf_counter() - due)
        measured.failed += not 200 <= status < 400
    writer.close()
    await writer.wait_closed()


def _random_address() -> str:
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
    return int(head[9:12])
