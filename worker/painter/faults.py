"""What a painter's failures mean: a code and words for the host, whether it may be the order's own fault, and how long
to leave the painter alone. Pure: knows answers and exceptions, makes no call.

    connection refused, no such name, TLS         gpu_down          the painter is away: no try is lost
    401, 403                                      gpu_unauthorized  a refusal: of this order or of all (`refusals.py`)
    429, 503                                      gpu_busy          the same, until it says
    other 4xx, elsewhere (3xx), a web page (200)  gpu_down          the same
    no answer in time, 408                        gpu_slow          may be the order: a try is lost
    other 5xx, a line that breaks                 gpu_failed        the same
    anything else                                 gpu_garbage       the same

A painter in doubt is asked how it is before the next order: then what stands before it (502, 504), or its silence, is
no order's fault any more.
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
SLOW, FAILED, GARBAGE, UNCHECKED = "gpu_slow", "gpu_failed", "gpu_garbage", "gpu_unchecked"
LONGEST_WAIT = 3600.0


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP, read to its end. `is_result`: it was fetched from the address of a result."""

    status: int
    content: bytes = b""
    retry_after: str = ""
    date: str = ""
    location: str = ""
    is_result: bool = False

    @property
    def is_page(self) -> bool:
        """Whether it is markup, as of a login page or a firewall, where the service answers JSON."""
        return self.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


class Fault(Exception):
    """A painter did not paint.

    doubtful: it may be the order's own fault; then the try counts, and one order takes no painter out.
    refusal: how the order was refused, like `status 403`; empty if it was not. Others may be refused as well.
    only_this: the painter says that it painted other orders at the same time, so this order is the cause.
    after: seconds for which the painter asks to be left alone; 0 where it did not say.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        doubtful: bool = False,
        refusal: str = "",
        only_this: bool = False,
        after: float = 0.0,
    ) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.doubtful, self.after = code, detail, doubtful, after
        self.refusal, self.only_this = refusal, only_this

    def later(self, *, after: float = 0.0) -> TryLater:
        """As the creation's schedule takes it. `after`: seconds until a painter is due, where that is known."""
        return TryLater(self.code, self.detail, after=after or self.after, counted=self.doubtful)


def fault_of_reply(reply: Reply) -> Fault:  # noqa: PLR0911  # a table, one line each
    """What an answer other than pictures, 303 and 422 means."""
    said = f"status {reply.status}"
    match reply.status:
        case 401 | 403:
            return Fault(UNAUTHORIZED, _who_refused(reply.content), refusal=said)
        case 429 | 503:
            return Fault(BUSY, said, refusal=said, after=seconds_of(reply.retry_after, reply.date))
        case 404 | 405 | 410 if reply.is_result:
            return Fault(GARBAGE, f"its result is lost ({said})", doubtful=True)
        case 408:
            return Fault(SLOW, f"the painter waited too long for the order ({said})", doubtful=True)
        case status if 300 <= status < 400:
            return Fault(DOWN, f"its address leads elsewhere ({said}): correct GPU_URL", refusal=said)
        case status if 400 <= status < 500:
            return Fault(DOWN, f"nobody paints at this address ({said})", refusal=said)
        case status if status >= 500:
            return Fault(FAILED, said, doubtful=True, only_this=_only_this(reply.content))
        case _ if reply.is_page:
            page = f"a web page ({said})"
            return Fault(DOWN, f"{page} answers in place of the service: a login page? Check GPU_URL", refusal=page)
        case _:
            return Fault(GARBAGE, f"unexpected {said}", doubtful=True)


def fault_of_health(reply: Reply) -> Fault | None:
    """What an answer to the question how it is means; None where nothing speaks against an order.

    Whatever stands before a painter answers for it while it is away, so no order can be to blame.
    """
    if reply.status == 503:
        after = seconds_of(reply.retry_after, reply.date)
        return Fault(BUSY, "it says that it cannot paint now (status 503)", after=after)
    return Fault(DOWN, f"asked how it is: status {reply.status}") if reply.status >= 500 else None


def fault_of_error(error: Exception, *, waited: float) -> Fault:
    """What a call that got no answer means. `waited`: seconds that it took."""
    if isinstance(error, httpx.ConnectTimeout):
        return Fault(DOWN, "no connection in time")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Fault(SLOW, f"no answer within {waited:.0f} s", doubtful=True)
    if isinstance(error, httpx.ConnectError):
        return Fault(DOWN, _why_no_connection(error))
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError):
        return Fault(DOWN, "its address makes no sense: mend GPU_URL")
    return Fault(FAILED, f"the connection broke ({type(error).__name__})", doubtful=True)


def seconds_of(retry_after: str, date: str = "") -> float:
    """Seconds of a Retry-After header, a number or a date; 0 where it is missing or nonsense. At most an hour.

    A date is compared with the answer's own, where it has one: our clock or the painter's may be wrong.
    """
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:10]), LONGEST_WAIT)
    until = _moment(retry_after)
    if until is None:
        return 0.0
    return min(max(0.0, (until - (_moment(date) or datetime.now(UTC))).total_seconds()), LONGEST_WAIT)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _only_this(content: bytes) -> bool:
    try:
        said = json.loads(content[:65_536])
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("only_this") is True


def _who_refused(content: bytes) -> str:
    if content[:200].lower().startswith(b"modal-http"):
        return "GPU_MODAL_KEY and GPU_MODAL_SECRET are not those of a proxy token"
    return "GPU_TOKEN is not the service's token"


def _why_no_connection(error: BaseException) -> str:
    """The reason lies under two or three layers of libraries."""
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or 'no agreement'}"
        if isinstance(cause, gaierror):
            return "its name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return "no connection"
