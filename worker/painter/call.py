"""One call to one painter over HTTP, within a deadline for all of it. Knows httpx; knows no order and no other painter.

    POST /v1/paint ──> 303, GET the result's address ──> 303 ... ──> the answer, read to its end and no further
    GET /healthz, before it, of a painter that is in doubt

Modal answers 303 when a call takes longer than 150 s: its result lies at another address, and to read that again runs
nothing again. It is followed by hand: to the same origin only, since it gets our secrets.
"""

import asyncio
import ssl
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import anyio.lowlevel
import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from worker.painter.faults import DOWN, GARBAGE, Fault, Reply, fault_of_error, fault_of_health, fault_of_reply

# One picture of 1536 x 1536 as PNG is about 6 MB, four of them in base64 about 32 MB.
LONGEST_ANSWER = 64 * 1024 * 1024
MOST_HOPS = 20
CONNECT_SECONDS = 5.0
MOST_READS = 5
# A container that wakes up may need longer; then it goes on waking up while we leave it alone.
LOOK_SECONDS = 45.0
EMPTY_SECONDS = 10.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """An order for one painter. `url`: its base address; `headers` hold our secrets.

    until: the monotonic clock's moment at which all must be over. patience: seconds until any answer at all.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(repr=False)
    until: float
    patience: float

    def make(self) -> Reply:
        """The painter's answer. Raises Fault."""
        return self._told(self._make())

    def look(self) -> None:
        """Raises Fault, which is no order's fault, when the painter says that it cannot paint, or nothing at all."""
        try:
            fault = fault_of_health(self._told(self._health()))
        except Fault as error:
            fault = Fault(error.code, f"asked how it is: {error.detail}", after=error.after)
        if fault:
            raise fault

    def is_open(self) -> bool | None:
        """Whether a request without an order is read. False: it is refused as well. None: the answer does not tell.

        Sent the same way with the same secrets, it costs nothing: a service that lets us in says what is missing.
        """
        try:
            reply = self._told(self._empty())
        except Fault as fault:
            return None if fault.doubtful else False
        if reply.status in (400, 422) and not reply.is_page:
            return True
        return False if fault_of_reply(reply).refusal else None

    def _told(self, call: Coroutine[Any, Any, Reply]) -> Reply:
        began = time.monotonic()
        try:
            return _run(call)
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise fault_of_error(error, waited=time.monotonic() - began) from error

    async def _make(self) -> Reply:
        left = self.until - time.monotonic()
        # asyncio's clock holds for everything: a connection, a name, headers that come letter by letter.
        async with asyncio.timeout(left), asyncio.timeout(min(self.patience, left)) as first, _line() as http:
            request = _request("POST", f"{self.url}/v1/paint", self._headers(), self.body)
            reply: Reply = await _trying(httpx.ConnectError, 3)(_answer, http, request)
            first.reschedule(None)
            return await self._followed(http, reply, str(request.url))

    async def _health(self) -> Reply:
        async with asyncio.timeout(min(LOOK_SECONDS, self.patience)), _line() as http:
            return await _answer(http, _request("GET", f"{self.url}/healthz", self.headers))

    async def _empty(self) -> Reply:
        left = max(0.1, self.until - time.monotonic())
        async with asyncio.timeout(min(EMPTY_SECONDS, left)), _line() as http:
            return await _answer(http, _request("POST", f"{self.url}/v1/paint", self._headers(), b"{}"))

    async def _followed(self, http: httpx.AsyncHTTPTransport, reply: Reply, address: str) -> Reply:
        for _ in range(MOST_HOPS):
            if reply.status != 303:
                return reply
            address = _same_origin(address, reply.location)
            request = _request("GET", address, self.headers)
            reply = await _trying(httpx.TransportError, MOST_READS)(_answer, http, request, is_result=True)
        raise Fault(GARBAGE, f"its result was put off {MOST_HOPS} times", doubtful=True)

    def _headers(self) -> dict[str, str]:
        return self.headers | {"Content-Type": "application/json"}


class _Threads(ThreadPoolExecutor):
    """Threads that nobody waits for: one may hang in a name server long after the deadline."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)


def _run(call: Coroutine[Any, Any, Result]) -> Result:
    """As asyncio.run, which at its end waits for all threads of the loop."""

    async def hurried() -> Result:
        asyncio.get_running_loop().set_default_executor(_Threads())
        return await call

    return asyncio.run(hurried())


def warm_up() -> None:
    """Load what every call needs, so that forks inherit it."""

    async def load() -> None:
        async with _line():
            # httpx connects through it, and its other half is loaded at first use.
            await anyio.lowlevel.checkpoint()

    _run(load())


@cache
def _certificates() -> ssl.SSLContext:
    """Loaded once per process and inherited by its forks: it takes longer than many a painting."""
    return ssl.create_default_context()


def _line() -> httpx.AsyncHTTPTransport:
    """Httpx without its client: that would look into every redirect, and fail at what is none."""
    return httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False)


def _request(method: str, address: str, headers: dict[str, str], body: bytes = b"") -> httpx.Request:
    # As it lies there: unpacked, a few bytes could become more than the memory holds.
    sent = headers | {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "threadpaint"}
    timeouts = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}
    return httpx.Request(method, address, headers=sent, content=body, extensions={"timeout": timeouts})


def _trying(error: type[httpx.TransportError], attempts: int) -> AsyncRetrying:
    """Again within seconds, for what is safe to repeat: a connection that was not made, a result that was not read."""
    return AsyncRetrying(
        retry=retry_if_exception_type(error),
        wait=wait_exponential_jitter(multiplier=0.2, max=2.0, jitter=0.1),
        stop=stop_after_attempt(attempts),
        reraise=True,
    )


async def _answer(http: httpx.AsyncHTTPTransport, request: httpx.Request, *, is_result: bool = False) -> Reply:
    """Send it, and read no more than LONGEST_ANSWER of what comes back."""
    response = await http.handle_async_request(request)
    try:
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > LONGEST_ANSWER:
                raise Fault(GARBAGE, "the answer does not end", doubtful=True)
    finally:
        await response.aclose()
    told = response.headers
    return Reply(
        response.status_code,
        bytes(content),
        told.get("retry-after", ""),
        told.get("date", ""),
        told.get("location", ""),
        is_result,
    )


def _same_origin(address: str, location: str) -> str:
    """Where a 303 leads. Raises Fault where that is another place: it would get our secrets."""
    try:
        there = httpx.URL(address).join(location) if location else None
    except (httpx.InvalidURL, ValueError):
        there = None
    if there is None or _origin(there) != _origin(httpx.URL(address)):
        place = "its result lies at another place (status 303), where our token does not go"
        raise Fault(DOWN, place, refusal="status 303 to another place")
    return str(there)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
