"""Decide when a call to X may go. The state is in Redis, shared by all processes, and X's own headers correct it.

    acquire(call) -> return, or raise TryLater with the seconds to wait
    update_from_response(call, headers) -> take over X's window; a blocked call stays blocked and is probed slowly

Each call is blocked on its own, and only its own success unblocks it: an accepted alt text proves nothing about
replies, and a search that the plan lacks proves nothing about mentions.

A window is fixed and starts with its first call, as at X. The account's daily reply cap counts the last 24 hours. All
times follow X's clock, read from the Date header, so a wrong local clock does no harm. State lost with Redis is
restored from the next response. Calls are named like "POST /2/tweets".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import Suspended, TryLater
from core.logs import get_logger
from core.queue import WorkQueue, translate_redis_errors
from core.settings import RateLimitSettings
from core.x.rate_limit_lua import ACQUIRE, PEEK, REMEMBER_MAX, UPDATE

log = get_logger(__name__)

FIFTEEN_MINUTES = 15 * 60
DAY = 24 * 3600
CREATE_POST = "POST /2/tweets"
UPLOAD_MEDIA = "POST /2/media/upload"
# Limits of one user token (X documentation, 2026-10): calls and seconds. Headers of responses correct them.
DEFAULT_LIMITS: Mapping[str, tuple[int, int]] = {
    "GET /2/users/me": (75, FIFTEEN_MINUTES),
    "GET /2/users/:id/mentions": (300, FIFTEEN_MINUTES),
    "GET /2/users/:id/tweets": (900, FIFTEEN_MINUTES),
    "GET /2/users": (900, FIFTEEN_MINUTES),
    "GET /2/tweets/search/recent": (300, FIFTEEN_MINUTES),
    "GET /2/tweets": (5000, FIFTEEN_MINUTES),
    "GET /2/media/upload": (1000, FIFTEEN_MINUTES),
    CREATE_POST: (100, FIFTEEN_MINUTES),
    "DELETE /2/tweets/:id": (50, FIFTEEN_MINUTES),
    UPLOAD_MEDIA: (500, FIFTEEN_MINUTES),
    "POST /2/media/metadata": (500, FIFTEEN_MINUTES),
}
FALLBACK_LIMIT = (300, FIFTEEN_MINUTES)
NEWEST_REPLY_KEY = "x-rate-limit:newest-reply"
# Wait codes of our own count, not of a refusal by X.
RATE_LIMITED, DAILY_REPLY_CAP = "rate_limited", "daily_reply_cap"
# Refusals of our account or app: every other call of that kind fails, too (`core/x/refusals.py`).
BLOCKING_CODES = frozenset(
    {
        "x_no_credits",
        "x_usage_cap",
        "x_unauthorized",
        "x_read_only",
        "x_not_enrolled",
        "x_account_locked",
        "x_account_suspended",
        "x_suspended",
        "x_app_restricted",
        "x_looks_automated",
        "x_no_access",
        "x_forbidden",
        "x_blocked",
    }
)


@dataclass(frozen=True)
class RateLimitHeaders:
    """Rate-limit headers of one response and X's time. A missing header is None; `reset` is in seconds since 1970."""

    at: datetime
    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None


@dataclass(frozen=True)
class RateWindow:
    """State of one call's window.

    Attributes:
        remaining: calls that may still go.
        resets_in: seconds until the window ends.
        limit: calls per window, without the reserve.
        seconds: length of the window.
        blocked_reason: code of why no call may go; empty if calls may go.
        blocked_for: seconds since the call was blocked.
    """

    remaining: int
    resets_in: float
    limit: int
    seconds: float
    blocked_reason: str = ""
    blocked_for: float = 0.0


class XRateLimiter:
    """Rate limits of one X account, for all processes. Each method raises TryLater("queue_away") if Redis is down."""

    def __init__(self, queue: WorkQueue, settings: RateLimitSettings) -> None:
        self.queue = queue
        self._redis = queue.connection
        self._settings = settings
        self._reply_cap = settings.x_replies_per_day
        self._acquire = self._redis.register_script(ACQUIRE)
        self._update = self._redis.register_script(UPDATE)
        self._peek = self._redis.register_script(PEEK)
        self._remember_max = self._redis.register_script(REMEMBER_MAX)

    @translate_redis_errors
    def acquire(self, call: str) -> None:
        """Count one call. Raises TryLater (`rate_limited`, `daily_reply_cap`) or Suspended if it may not go now."""
        wait_ms, reason = self._acquire(keys=_keys(call), args=[*self._window_args(call), self._cap_arg(call)])
        if wait_ms > 0:
            seconds, code = wait_ms / 1000, reason.decode()
            if code in (RATE_LIMITED, DAILY_REPLY_CAP):
                raise TryLater(code, call, after=seconds, counted=False)
            raise Suspended(code, f"X has suspended {call}", after=seconds)

    @translate_redis_errors
    def update_from_response(
        self,
        call: str,
        headers: RateLimitHeaders,
        refusal: str = "",
        pause: float | None = None,
        *,
        lifts_block: bool = True,
    ) -> None:
        """Record what a response says about the limit.

        Args:
            refusal: our code of X's refusal; empty if X accepted the call.
            pause: seconds until the next try.
            lifts_block: whether this response unblocks the call. The refusal of a single post does not.
        """
        window = [headers.limit, headers.remaining, headers.reset]
        first_pause = self._settings.x_blocked_retry_seconds
        args: list[int | str] = [
            _milliseconds(headers.at),
            *(-1 if value is None else value for value in window),
            *self._window_args(call)[:2],
            refusal if refusal in BLOCKING_CODES else "",
            round((pause or (first_pause if refusal else 0)) * 1000),
            round(first_pause * 1000),
            round(self._settings.x_blocked_retry_max_seconds * 1000),
            int(lifts_block),
        ]
        change = self._update(keys=_keys(call), args=args)
        if change == b"blocked":
            log.error("x calls suspended; work is not lost, X is probed slowly", call=call, reason=refusal)
        elif change == b"unblocked":
            log.warning("x calls resumed", call=call)

    @translate_redis_errors
    def release(self, call: str) -> None:
        """Take back a reply that was counted but certainly not posted. Other calls stay counted."""
        if call == CREATE_POST:
            self._redis.zpopmax("x-rate-limit:replies")

    @translate_redis_errors
    def peek(self, call: str = CREATE_POST) -> RateWindow:
        """Return the window of a call without counting one."""
        remaining, resets_in, limit, length, reason, blocked_for = self._peek(
            keys=_keys(call), args=[*self._window_args(call), self._cap_arg(call)]
        )
        return RateWindow(
            remaining=int(remaining),
            resets_in=resets_in / 1000,
            limit=max(0, int(limit) - self._settings.x_rate_limit_reserve),
            seconds=length / 1000,
            blocked_reason=reason.decode(),
            blocked_for=blocked_for / 1000,
        )

    @translate_redis_errors
    def blocked_calls(self) -> dict[str, RateWindow]:
        """Return the windows of all calls that X has suspended, by call."""
        calls = list(DEFAULT_LIMITS)
        with self._redis.pipeline() as pipe:
            for call in calls:
                pipe.exists(_block_key(call))
            flags = pipe.execute()
        return {call: self.peek(call) for call, is_blocked in zip(calls, flags, strict=True) if is_blocked}

    @translate_redis_errors
    def x_now(self) -> datetime:
        """Return the time on X's clock, by the Date header of its last response."""
        seconds, micros = self._redis.time()
        ahead_ms = int(self._redis.get("x-rate-limit:clock-offset") or 0)
        return datetime.fromtimestamp(seconds + micros / 1e6 - ahead_ms / 1000, UTC)

    @translate_redis_errors
    def remember_account(self, keys: str, account_id: int, replies_per_day: int) -> None:
        """Remember which account has these keys (`keys` is their hash), and its daily cap if the operator set none."""
        self._redis.set("x-rate-limit:reply-cap", replies_per_day)
        self._redis.set(f"x-rate-limit:account:{keys}", account_id, ex=DAY)

    @translate_redis_errors
    def remember_reply(self, reply_post_id: int, *, overwrite: bool = False) -> None:
        """Remember the newest reply outside the database. `overwrite` replaces a larger id, too."""
        if overwrite:
            self._redis.set(NEWEST_REPLY_KEY, reply_post_id)
        else:
            self._remember_max(keys=[NEWEST_REPLY_KEY], args=[reply_post_id])

    @translate_redis_errors
    def newest_reply_id(self) -> int | None:
        """Return the remembered id of the newest reply; None if Redis lost it."""
        value = self._redis.get(NEWEST_REPLY_KEY)
        return int(value) if value else None

    @translate_redis_errors
    def account_id(self, keys: str) -> int | None:
        """Return the account id that X reported for these keys within a day. Asking X each time would use up calls."""
        value = self._redis.get(f"x-rate-limit:account:{keys}")
        return int(value) if value else None

    def _window_args(self, call: str) -> list[int]:
        limit, seconds = DEFAULT_LIMITS.get(call, FALLBACK_LIMIT)
        return [limit, seconds * 1000, self._settings.x_rate_limit_reserve]

    def _cap_arg(self, call: str) -> int:
        return (self._reply_cap or 0) if call == CREATE_POST else -1


def _keys(call: str) -> list[str]:
    return [
        f"x-rate-limit:window:{call}",
        _block_key(call),
        "x-rate-limit:clock-offset",
        "x-rate-limit:replies",
        "x-rate-limit:reply-cap",
    ]


def _block_key(call: str) -> str:
    return f"x-rate-limit:blocked:{call}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def parse_rate_limit_headers(headers: Mapping[str, str], at: datetime) -> RateLimitHeaders:
    """Parse a response's rate-limit headers. A missing or invalid number is None.

    X sometimes reports a 24-hour window besides the short one. It wins if nothing is left in it.
    """
    for prefix in ("x-app-limit-24hour", "x-user-limit-24hour"):
        day_window = _parse_window(headers, prefix, at)
        if day_window.remaining == 0 and (day_window.reset or 0) > at.timestamp():
            return day_window
    return _parse_window(headers, "x-rate-limit", at)


def _parse_window(headers: Mapping[str, str], prefix: str, at: datetime) -> RateLimitHeaders:
    limit, remaining, reset = (
        _parse_number(headers.get(f"{prefix}-{name}")) for name in ("limit", "remaining", "reset")
    )
    return RateLimitHeaders(at, limit, remaining, reset)


def _parse_number(value: str | None) -> int | None:
    text = value or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else None
