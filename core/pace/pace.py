"""Pace: when a call to X may go. One place decides, in Redis, for all processes; X's own headers teach it.

    admit(call) -> go, or TryLater with the seconds until it may go
    learn(call, what X said) -> windows as X counts them; what X suspended stays so and is probed slowly

Each call is suspended by itself, and only its own success lifts that: an alt text that X takes says nothing about
replies, and search that the plan does not include says nothing about mentions.

A window is counted as X counts: fixed, beginning with its first call; the account's daily cap is counted over the last
24 hours. Times are X's own, told by the Date of its answers, so a wrong clock on our side does no harm. What is lost
with Redis is learned again from the next answer. Knows calls by name ("POST /2/tweets"); knows no row and no job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.errors import Suspended, TryLater
from core.logs import get_logger
from core.pace.scripts import ADMIT, LEARN, LOOK, REMEMBER
from core.queue import WorkQueue, translated
from core.settings import PaceSettings

log = get_logger(__name__)

QUARTER = 15 * 60
DAY = 24 * 3600
ANSWER = "POST /2/tweets"
UPLOAD = "POST /2/media/upload"
# What X allows one user token, before its headers have told (facts of 2026-10).
KNOWN: Mapping[str, tuple[int, int]] = {
    "GET /2/users/me": (75, QUARTER),
    "GET /2/users/:id/mentions": (300, QUARTER),
    "GET /2/users/:id/tweets": (900, QUARTER),
    "GET /2/users": (900, QUARTER),
    "GET /2/tweets/search/recent": (300, QUARTER),
    "GET /2/tweets": (5000, QUARTER),
    "GET /2/media/upload": (1000, QUARTER),
    ANSWER: (100, QUARTER),
    "DELETE /2/tweets/:id": (50, QUARTER),
    UPLOAD: (500, QUARTER),
    "POST /2/media/metadata": (500, QUARTER),
}
ANY = (300, QUARTER)
NEWEST_REPLY = "pace:newest_reply"
# Reasons to wait that are no refusal of X: our own count of its limits.
PACE, PACE_DAY = "pace", "pace_day"
# Refusals that mean our account or app, so that no other call of the kind will do better (`core/x/refusals.py`).
STOPS = frozenset(
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
class Told:
    """What an answer of X said about pace: its time, and the window as X counts it (empty where it did not say)."""

    at: datetime
    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None


@dataclass(frozen=True)
class Window:
    """A window as we know it: calls still free, seconds until it ends, its size; `stopped` names why nothing may go,
    `stopped_for` how many seconds that has lasted."""

    free: int
    ends_in: float
    calls: int
    seconds: float
    stopped: str = ""
    stopped_for: float = 0.0


class Pace:
    """The shared pace of one account. Raises TryLater("queue_away") when Redis is down."""

    def __init__(self, queue: WorkQueue, settings: PaceSettings) -> None:
        self.queue = queue
        self._redis = queue.connection
        self._settings = settings
        self._cap = settings.x_replies_per_day
        self._admit = self._redis.register_script(ADMIT)
        self._learn = self._redis.register_script(LEARN)
        self._look = self._redis.register_script(LOOK)
        self._remember = self._redis.register_script(REMEMBER)

    @translated
    def admit(self, call: str) -> None:
        """Count one call. Raises TryLater (`pace`) or Suspended (what X refuses us for) when it may not go now."""
        args = [*self._size(call), self._cap_of(call)]
        wait, reason = self._admit(keys=_keys(call), args=args)
        if wait > 0:
            seconds, code = wait / 1000, reason.decode()
            if code in (PACE, PACE_DAY):
                raise TryLater(code, call, after=seconds, counted=False)
            raise Suspended(code, f"X has suspended {call}", after=seconds)

    @translated
    def learn(
        self, call: str, told: Told, refusal: str = "", pause: float | None = None, *, lifts: bool = True
    ) -> None:
        """Take in an answer.

        Args:
            refusal: our code for what X refused, if it did.
            pause: seconds until it is tried again.
            lifts: whether this answer ends a suspension. A refusal of one post is an answer that does not.
        """
        known = [told.limit, told.remaining, told.reset]
        first = self._settings.probe_seconds
        args: list[int | str] = [
            _milliseconds(told.at),
            *(-1 if value is None else value for value in known),
            *self._size(call)[:2],
            refusal if refusal in STOPS else "",
            round((pause or (first if refusal else 0)) * 1000),
            round(first * 1000),
            round(self._settings.probe_longest_seconds * 1000),
            int(lifts),
        ]
        change = self._learn(keys=_keys(call), args=args)
        if change == b"stopped":
            log.error("X suspended a kind of call; all work is kept, probed slowly", call=call, reason=refusal)
        elif change == b"resumed":
            log.warning("X takes this kind of call again", call=call)

    @translated
    def give_back(self, call: str) -> None:
        """A call that was let go has surely done nothing: it is none of the account's answers of the day."""
        if call == ANSWER:
            self._redis.zpopmax("pace:answers")

    @translated
    def look(self, call: str = ANSWER) -> Window:
        """The window of a call right now, without counting one."""
        free, ends_in, calls, seconds, stopped, lasted = self._look(
            keys=_keys(call), args=[*self._size(call), self._cap_of(call)]
        )
        ours = max(0, int(calls) - self._settings.pace_spare)
        return Window(int(free), ends_in / 1000, ours, seconds / 1000, stopped.decode(), lasted / 1000)

    @translated
    def suspended(self) -> dict[str, Window]:
        """Every call that X has suspended, by its name."""
        calls = list(KNOWN)
        with self._redis.pipeline() as line:
            for call in calls:
                line.exists(_stop_key(call))
            found = line.execute()
        return {call: self.look(call) for call, there in zip(calls, found, strict=True) if there}

    @translated
    def x_time(self) -> datetime:
        """Now by X's clock, as far as its last answer told."""
        seconds, micros = self._redis.time()
        behind = int(self._redis.get("pace:behind") or 0)
        return datetime.fromtimestamp(seconds + micros / 1e6 - behind / 1000, UTC)

    @translated
    def remember_account(self, keys: str, account_id: int, replies_per_day: int) -> None:
        """Whose keys these are (`keys` stands for them), and the account's own cap where the host did not set one."""
        self._redis.set("pace:cap", replies_per_day)
        self._redis.set(f"pace:account:{keys}", account_id, ex=DAY)

    @translated
    def remember_reply(self, reply_post_id: int, *, anew: bool = False) -> None:
        """The newest reply that the database holds, kept outside of it. `anew`: whatever was remembered before."""
        if anew:
            self._redis.set(NEWEST_REPLY, reply_post_id)
        else:
            self._remember(keys=[NEWEST_REPLY], args=[reply_post_id])

    @translated
    def newest_reply(self) -> int | None:
        """As remembered; None if the queue's data was lost."""
        known = self._redis.get(NEWEST_REPLY)
        return int(known) if known else None

    @translated
    def account_of(self, keys: str) -> int | None:
        """The account's id, where X has told it within a day: who asks each time is out of calls soon."""
        known = self._redis.get(f"pace:account:{keys}")
        return int(known) if known else None

    def _size(self, call: str) -> list[int]:
        calls, seconds = KNOWN.get(call, ANY)
        return [calls, seconds * 1000, self._settings.pace_spare]

    def _cap_of(self, call: str) -> int:
        return (self._cap or 0) if call == ANSWER else -1


def _keys(call: str) -> list[str]:
    return [f"pace:window:{call}", _stop_key(call), "pace:behind", "pace:answers", "pace:cap"]


def _stop_key(call: str) -> str:
    return f"pace:stop:{call}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def read_told(headers: Mapping[str, Any], at: datetime) -> Told:
    """What the headers of an answer say. What is missing or no number is not said.

    X sometimes tells of a window of 24 hours beside the short one: it counts where nothing is left of it.
    """
    for window in ("x-app-limit-24hour", "x-user-limit-24hour"):
        told = _read_window(headers, window, at)
        if told.remaining == 0 and (told.reset or 0) > at.timestamp():
            return told
    return _read_window(headers, "x-rate-limit", at)


def _read_window(headers: Mapping[str, Any], window: str, at: datetime) -> Told:
    limit, remaining, reset = (_number(headers.get(f"{window}-{name}")) for name in ("limit", "remaining", "reset"))
    return Told(at, limit, remaining, reset)


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else None
