"""Make one call to one GPU backend over HTTP, within a deadline.

    POST /v1/paint ──> 303, GET the result's address ──> 303 ... ──> the response, read to its end and no further
    GET /healthz, before it, of a suspected backend

Modal responds with 303 when a call takes longer than 150 s: its result is at another address, and reading it again runs
nothing again. Redirects are followed here and only to the same origin, since the request holds our secrets.

The deadline is checked for each attempt, each redirect and each chunk of a body. A single read may take as long again:
the job's own timeout is the outer bound (`core.queue.JOB_TIMEOUT`).
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from worker.gpu.errors import (
    DOWN,
    GARBAGE,
    GpuError,
    GpuResponse,
    error_from_exception,
    error_from_health,
    error_from_response,
)

# A picture of 1536 x 1536 as PNG is about 6 MB, four of them in base64 about 32 MB.
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 20
CONNECT_SECONDS = 5.0
CONNECT_ATTEMPTS = 3
RESULT_ATTEMPTS = 5
RETRY_SECONDS = 0.2  # the first pause; it doubles
# A container that wakes up may need longer: then it goes on waking up while it is left alone.
PROBE_SECONDS = 45.0
EMPTY_REQUEST_SECONDS = 10.0
MIN_SECONDS = 0.1
EMPTY_REQUEST = b"{}"


@dataclass(frozen=True)
class GpuCall:
    """A request for one backend.

    url: base address. headers: they hold our secrets. path: where the request is posted.
    deadline: time of the monotonic clock at which the call must be over.
    first_response_seconds: how long to wait for any response, e.g. the first 303.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(repr=False)
    deadline: float
    first_response_seconds: float
    path: str = "/v1/paint"

    def send(self) -> GpuResponse:
        """Return the backend's final response. Raises GpuError."""
        return self._translate(self._post_and_follow)

    def probe(self) -> None:
        """Raise GpuError, which is no request's fault, if the backend says that it is not ready or says nothing."""
        try:
            error = error_from_health(self._translate(self._get_health))
        except GpuError as failure:
            error = GpuError(failure.code, f"health check: {failure.detail}", after=failure.after)
        if error:
            raise error

    def accepts_requests(self) -> bool | None:
        """Return whether the backend reads an empty request: False if it refuses that too, None if that is unclear.

        Sent with the same secrets, it costs nothing: a service that accepts our token says what is missing.
        """
        try:
            response = self._translate(self._post_empty)
        except GpuError as error:
            return None if error.suspect else False
        if response.status in (400, 422) and not response.is_markup:
            return True
        return False if error_from_response(response).refusal else None

    def _translate(self, call: Callable[[], GpuResponse]) -> GpuResponse:
        started = time.monotonic()
        try:
            return call()
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise error_from_exception(error, waited=time.monotonic() - started) from error

    def _post_and_follow(self) -> GpuResponse:
        address = self.url + self.path
        first_deadline = min(self.deadline, time.monotonic() + self.first_response_seconds)
        with _open_transport() as transport:
            post = partial(self._exchange, transport, "POST", address, first_deadline, body=self.body)
            response = _retry_on(_is_connect_error, CONNECT_ATTEMPTS)(post)
            for _ in range(MAX_REDIRECTS):
                if response.status != 303:
                    return response
                address = _ensure_same_origin(address, response.location)
                get = partial(self._exchange, transport, "GET", address, self.deadline, is_result=True)
                response = _retry_on(_is_broken_connection, RESULT_ATTEMPTS)(get)
        raise GpuError(GARBAGE, f"its result was put off {MAX_REDIRECTS} times", suspect=True)

    def _post_empty(self) -> GpuResponse:
        left = max(MIN_SECONDS, self.deadline - time.monotonic())
        deadline = time.monotonic() + min(EMPTY_REQUEST_SECONDS, left)
        with _open_transport() as transport:
            return self._exchange(transport, "POST", f"{self.url}/v1/paint", deadline, body=EMPTY_REQUEST)

    def _get_health(self) -> GpuResponse:
        deadline = time.monotonic() + min(PROBE_SECONDS, self.first_response_seconds)
        with _open_transport() as transport:
            return self._exchange(transport, "GET", f"{self.url}/healthz", deadline)

    def _exchange(
        self,
        transport: httpx.HTTPTransport,
        method: str,
        address: str,
        deadline: float,
        *,
        body: bytes = b"",
        is_result: bool = False,
    ) -> GpuResponse:
        """Send a request and read its response. Raises TimeoutError once the deadline has passed."""
        request = _build_request(method, address, self.headers, deadline, body)
        response = transport.handle_request(request)
        try:
            content = _read_body(response, deadline)
        finally:
            response.close()
        headers = response.headers
        return GpuResponse(
            response.status_code,
            content,
            headers.get("retry-after", ""),
            headers.get("date", ""),
            headers.get("location", ""),
            is_result,
        )


def warm_up() -> None:
    """Load certificates and modules once, so that forked jobs inherit them."""
    with _open_transport():
        pass


@cache
def _certificates() -> ssl.SSLContext:
    """Load certificates once per process, for its forks too: that takes longer than many a call."""
    return ssl.create_default_context()


def _open_transport() -> httpx.HTTPTransport:
    """Return httpx without its client, which parses every redirect and raises at invalid ones."""
    return httpx.HTTPTransport(verify=_certificates(), trust_env=False)


def _build_request(
    method: str, address: str, headers: dict[str, str], deadline: float, body: bytes = b""
) -> httpx.Request:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    # Not compressed: a few bytes could unpack to more than memory holds.
    sent = headers | {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "threadpaint"}
    if body:
        sent["Content-Type"] = "application/json"
    timeouts = {"connect": min(CONNECT_SECONDS, left), "read": left, "write": left, "pool": None}
    return httpx.Request(method, address, headers=sent, content=body, extensions={"timeout": timeouts})


def _read_body(response: httpx.Response, deadline: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            raise GpuError(GARBAGE, "the response does not end", suspect=True)
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(content)


def _retry_on(predicate: Callable[[BaseException], bool], attempts: int) -> Retrying:
    """Repeat within seconds what is safe to repeat."""
    return Retrying(
        retry=retry_if_exception(predicate),
        wait=wait_exponential_jitter(multiplier=RETRY_SECONDS, max=2.0, jitter=RETRY_SECONDS / 2),
        stop=stop_after_attempt(attempts),
        reraise=True,
    )


def _is_connect_error(error: BaseException) -> bool:
    return isinstance(error, httpx.ConnectError)


def _is_broken_connection(error: BaseException) -> bool:
    """Return whether a result was not read to its end, for other reasons than time."""
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout)


def _ensure_same_origin(address: str, location: str) -> str:
    """Return the address that a 303 names. Raises GpuError if it is on another origin: it would get our secrets."""
    try:
        target = httpx.URL(address).join(location) if location else None
    except (httpx.InvalidURL, ValueError):
        target = None
    if target is None or _origin(target) != _origin(httpx.URL(address)):
        detail = "its result is at another origin (status 303), where our token is not sent"
        raise GpuError(DOWN, detail, refusal="status 303 to another origin")
    return str(target)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
