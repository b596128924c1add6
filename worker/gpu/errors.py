"""Say what failures of a GPU service mean: a code and a text for the operator, whether the request may be the cause,
and how long to leave the backend alone.

    connection refused, unknown name, TLS         gpu_down          the backend is away: no attempt is lost
    401, 403                                      gpu_unauthorized  refused: this request or all (`refusals.py`)
    429, 503                                      gpu_busy          the same, for as long as it says
    other 4xx, redirects, a web page (200)        gpu_down          the same
    no response in time, 408                      gpu_slow          maybe the request's fault: an attempt is lost
    other 5xx, a connection that breaks           gpu_failed        the same
    anything else                                 gpu_garbage       the same

A suspected backend is probed before the next request. Then a proxy's response (502, 504) or silence is no request's
fault.
"""

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror

import httpx

from core.errors import TryLater

DOWN, UNAUTHORIZED, BUSY, REFUSED = "gpu_down", "gpu_unauthorized", "gpu_busy", "gpu_refused"
NO_EMBEDDINGS = "gpu_no_embeddings"
SLOW, FAILED, GARBAGE, UNCHECKED = "gpu_slow", "gpu_failed", "gpu_garbage", "gpu_unchecked"
MAX_RETRY_AFTER = 3600.0
MAX_ERROR_BYTES = 65_536
# How many layers of exceptions are searched for the reason of a failed connection.
MAX_CAUSES = 8


@dataclass(frozen=True)
class GpuResponse:
    """An HTTP response, read to its end. `is_result`: it came from the address that a 303 named."""

    status: int
    content: bytes = b""
    retry_after: str = ""
    date: str = ""
    location: str = ""
    is_result: bool = False

    @property
    def is_markup(self) -> bool:
        """Return whether it is a web page, e.g. of a login or a firewall: the service itself sends JSON."""
        return self.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


class GpuError(Exception):
    """A backend generated nothing.

    suspect: the request may be the cause. Then the attempt counts, and one request does not take the backend out.
    refusal: how it was refused, like `status 403`; empty if it was not. Other requests may be refused as well.
    only_this: the service says that other requests of the same batch succeeded, so this request is the cause.
    after: seconds for which the backend asks to be left alone; 0 if it did not say.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        suspect: bool = False,
        refusal: str = "",
        only_this: bool = False,
        after: float = 0.0,
    ) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.suspect, self.after = code, detail, suspect, after
        self.refusal, self.only_this = refusal, only_this

    def to_try_later(self, *, after: float = 0.0) -> TryLater:
        """Return the error that schedules another attempt. `after`: seconds until a backend is due, if known."""
        return TryLater(self.code, self.detail, after=after or self.after, counted=self.suspect)


def error_from_response(response: GpuResponse) -> GpuError:  # noqa: PLR0911  # a table, one line each
    """Return what a response other than 200 with images, 303 and 422 means."""
    status_text = f"status {response.status}"
    match response.status:
        case 401 | 403:
            return GpuError(UNAUTHORIZED, _describe_credentials(response.content), refusal=status_text)
        case 429 | 503:
            after = parse_retry_after(response.retry_after, response.date)
            return GpuError(BUSY, status_text, refusal=status_text, after=after)
        case 404 | 405 | 410 if response.is_result:
            return GpuError(GARBAGE, f"its result is lost ({status_text})", suspect=True)
        case 408:
            return GpuError(SLOW, f"the GPU service waited too long for the request ({status_text})", suspect=True)
        case status if 300 <= status < 400:
            return GpuError(DOWN, f"GPU_URL redirects elsewhere ({status_text}): correct it", refusal=status_text)
        case status if 400 <= status < 500:
            return GpuError(DOWN, f"no GPU service at this address ({status_text})", refusal=status_text)
        case status if status >= 500:
            return GpuError(FAILED, status_text, suspect=True, only_this=_is_only_this(response.content))
        case _ if response.is_markup:
            refusal = f"a web page ({status_text})"
            return GpuError(DOWN, f"{refusal} in place of the service: a login page? Check GPU_URL", refusal=refusal)
        case _:
            return GpuError(GARBAGE, f"unexpected {status_text}", suspect=True)


def error_from_health(response: GpuResponse) -> GpuError | None:
    """Return what a response to a health check means; None if requests may be sent.

    While a backend is away, a proxy may answer for it, so no request is to blame.
    """
    if response.status == 503:
        after = parse_retry_after(response.retry_after, response.date)
        return GpuError(BUSY, "its health check says that it cannot paint now (status 503)", after=after)
    return GpuError(DOWN, f"health check: status {response.status}") if response.status >= 500 else None


def error_from_exception(error: Exception, *, waited: float) -> GpuError:
    """Return what a call without a response means. `waited`: seconds that it took."""
    if isinstance(error, httpx.ConnectTimeout):
        return GpuError(DOWN, "no connection in time")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return GpuError(SLOW, f"no response within {waited:.0f} s", suspect=True)
    if isinstance(error, httpx.ConnectError):
        return GpuError(DOWN, _describe_connect_error(error))
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError):
        return GpuError(DOWN, "GPU_URL is not a valid address: correct it")
    return GpuError(FAILED, f"the connection broke ({type(error).__name__})", suspect=True)


def parse_retry_after(retry_after: str, date: str = "") -> float:
    """Return the seconds of a Retry-After header, a number or a date; 0 if it is missing or invalid. At most an hour.

    A date is compared with the response's own date if it has one: our clock or the service's may be wrong.
    """
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:10]), MAX_RETRY_AFTER)
    until = _parse_date(retry_after)
    if until is None:
        return 0.0
    return min(max(0.0, (until - (_parse_date(date) or datetime.now(UTC))).total_seconds()), MAX_RETRY_AFTER)


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _is_only_this(content: bytes) -> bool:
    try:
        body = json.loads(content[:MAX_ERROR_BYTES])
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("only_this") is True


def _describe_credentials(content: bytes) -> str:
    if content[:200].lower().startswith(b"modal-http"):
        return "GPU_MODAL_KEY and GPU_MODAL_SECRET are not those of a proxy token"
    return "GPU_TOKEN is not the service's token"


def _describe_connect_error(error: BaseException) -> str:
    """Return the reason, which lies under two or three layers of libraries."""
    cause: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or 'handshake failed'}"
        if isinstance(cause, gaierror):
            return "its name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return "no connection"
