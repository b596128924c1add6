"""Which painters rest: one that fails is left alone for a while, then one call looks whether it is back.

    well ── fails ──> rests: as long as it said, else 5 s, 15 s, 45 s ... 5 minutes ──> one call tries it ──> well
    well ── fails with three orders of different creations, and none went well between them ──> rests

One order that breaks whoever paints it counts against itself, and takes nobody out. An order that a backend failed with
or refused is a suspect: the line sends another order to find out whether the backend is back, and a refusal counts
against the suspect once another order was painted after its last one. Kept in Redis for all workers; everything runs
out by itself, by the server's clock. Knows no HTTP and no order.

Who paints is not stopped by a queue that is away: then nothing is known, and each call finds out for itself. Who looks
at it (the line, the host) is told by TryLater("queue_away").
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast

from core.clock import now
from core.errors import TryLater
from core.queue import WorkQueue, translated

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# Where the orders themselves may be the cause: a stranger's prompt must hold nobody up for a minute.
MAX_DOUBT_PAUSE = 15.0
# So many different creations in a row, and it is not they.
ORDERS_IN_A_ROW = 3
# Who looks whether a painter is back may die meanwhile; after so long another one looks. Longer than a look takes.
PROBE_SECONDS = 50.0
PROBE_PAUSE = 5.0
# An illness that nobody has met for so long is forgotten: the painter is simply tried.
REMEMBERED_SECONDS = 3600
CLOSED, AWAY, LISTED = "painters:closed", "painters:away", "painters:ill"
SUSPECTS, MAX_SUSPECTS = "painters:suspects", 500
UNCHECKED, A_DAY = "painters:unchecked", 24 * 3600
# A backend that failed with one of these answers requests, but its answers are no good.
BAD_ANSWERS = frozenset({"gpu_slow", "gpu_failed", "gpu_garbage", "gpu_unchecked"})


@dataclass(frozen=True)
class Ill:
    """A painter that failed and has not worked since. `opens_in`: seconds until it is tried again."""

    url: str
    code: str
    detail: str
    since: datetime
    opens_in: float


@dataclass(frozen=True)
class Away:
    """No painter takes orders."""

    code: str
    since: datetime
    opens_in: float


Verb = TypeVar("Verb", bound=Callable[..., Any])


def forgiving(otherwise: Any) -> Callable[[Verb], Verb]:
    """Where the queue is away, or there is none: as if nothing were known."""

    def wrap(verb: Verb) -> Verb:
        @wraps(verb)
        def wrapped(self: "Painters", *args: Any, **kwargs: Any) -> Any:
            try:
                return translated(verb)(self, *args, **kwargs)
            except TryLater:
                return otherwise

        return cast(Verb, wrapped)

    return wrap


class Painters:
    """What all workers know of the painters. Without a queue: nothing."""

    def __init__(self, queue: WorkQueue | None) -> None:
        self.queue = queue

    @forgiving(0.0)
    def may_call(self, url: str) -> float:
        """0: call it now, and tell what became of it. Else seconds until it is worth asking again."""
        rest, ill, probe = _keys(url)
        if (left := self._seconds(rest)) > 0:
            return left
        if not self._redis.exists(ill) or self._redis.set(probe, 1, nx=True, px=_ms(PROBE_SECONDS)):
            return 0.0
        return PROBE_PAUSE

    @forgiving(False)
    def in_doubt(self, url: str) -> bool:
        """Whether it failed, or failed with an order, and has not worked since: ask how it is before you order."""
        return bool(self._redis.exists(_keys(url)[1], _doubt(url)))

    @forgiving(0.0)
    def rests_for(self, url: str) -> float:
        """Seconds until it is tried again; 0 where it is not left alone."""
        rest, ill, probe = _keys(url)
        left = self._seconds(rest)
        return left if left > 0 or not (self._redis.exists(ill) and self._redis.exists(probe)) else PROBE_PAUSE

    @forgiving(None)
    def failed(
        self, url: str, *, code: str, detail: str, after: float = 0.0, longest_pause: float = LONGEST_PAUSE
    ) -> None:
        """Leave it alone. `after`: seconds that it asked for."""
        rest, ill, probe = _keys(url)
        times = int(self._redis.hget(ill, "times") or 0)
        pause = max(1.0, after) if after else min(FIRST_PAUSE * 3 ** min(times, 9), longest_pause)
        # Workers that fail at the same moment are one failure.
        if self._redis.set(rest, code, nx=True, px=_ms(pause)):
            with self._redis.pipeline() as line:
                line.hset(ill, mapping={"url": shown(url), "code": code, "detail": detail, "times": times + 1})
                line.hsetnx(ill, "since", now().timestamp())
                line.expire(ill, REMEMBERED_SECONDS + int(pause))
                line.sadd(LISTED, ill)
                line.expire(LISTED, 2 * REMEMBERED_SECONDS + int(pause))
                line.execute()
        elif self._seconds(rest) < after:
            self._redis.pexpire(rest, _ms(after))
        self._redis.delete(probe)

    @forgiving(None)
    def doubted(self, url: str, order: str, *, code: str, detail: str) -> None:
        """It failed with an order, and that may be the order's fault. `order` tells orders apart."""
        doubt, probe = _doubt(url), _keys(url)[2]
        with self._redis.pipeline() as line:
            line.sadd(doubt, order)
            line.scard(doubt)
            line.expire(doubt, REMEMBERED_SECONDS)
            line.delete(probe)
            orders = int(line.execute()[1])
        self._suspect(order)
        if orders >= ORDERS_IN_A_ROW:
            self.failed(url, code=code, detail=detail, longest_pause=MAX_DOUBT_PAUSE)

    @forgiving(False)
    def refused(self, url: str, order: str) -> bool:
        """Note that this order was refused. Returns whether another order was painted since its last refusal: then
        this order is the cause, and not the backend."""
        painted, refused = _painted(url), _refused(url)
        number, before = int(self._redis.get(painted) or 0), self._redis.hget(refused, order)
        with self._redis.pipeline() as line:
            line.hset(refused, order, number)
            line.expire(refused, REMEMBERED_SECONDS)
            line.execute()
        self._suspect(order)
        return before is not None and number > int(before)

    @forgiving(None)
    def accepts(self, url: str) -> None:
        """It reads requests, so it is not away. Whether it paints is for the next order to find out."""
        ill, probe = _keys(url)[1:]
        code = (self._redis.hget(ill, "code") or b"").decode()
        if code in BAD_ANSWERS:
            self._redis.delete(probe)
        else:
            self._clear(url)

    @forgiving(None)
    def worked(self, url: str, order: str = "") -> None:
        """It paints. `order`: the order that it painted."""
        painted = _painted(url)
        with self._redis.pipeline() as line:
            line.incr(painted)
            line.expire(painted, 2 * REMEMBERED_SECONDS)
            line.hdel(_refused(url), order)
            line.zrem(SUSPECTS, order)
            line.delete(_doubt(url))
            line.execute()
        self._clear(url)

    @forgiving(None)
    def published_unchecked(self, url: str) -> None:
        """Pictures of it that no safety check gave a verdict on were published, as the operator chose."""
        with self._redis.pipeline() as line:
            line.zadd(UNCHECKED, {shown(url): now().timestamp()})
            line.expire(UNCHECKED, A_DAY)
            line.execute()

    @translated
    def unchecked(self) -> list[str]:
        """Addresses of painters whose unchecked pictures were published within a day."""
        since = now().timestamp() - A_DAY
        return [url.decode() for url in self._redis.zrangebyscore(UNCHECKED, since, "+inf")]

    @translated
    def suspects(self) -> set[int]:
        """Creations that a backend lately refused or failed with: not the ones to find out with whether it is back."""
        since = now().timestamp() - REMEMBERED_SECONDS
        return {int(order) for order in self._redis.zrangebyscore(SUSPECTS, since, "+inf")}

    @forgiving(None)
    def close(self, seconds: float, code: str) -> None:
        """None of them takes orders before so many seconds are over: nobody needs to be called up. An empty code leaves
        what was told before.

        Never for longer than the longest pause: then one looks, were it only that the host has named other painters.
        """
        seconds = min(max(0.1, seconds), LONGEST_PAUSE)
        with self._redis.pipeline() as line:
            line.set(CLOSED, code, px=_ms(seconds))
            if code:
                line.hset(AWAY, "code", code)
            line.hsetnx(AWAY, "since", now().timestamp())
            line.expire(AWAY, REMEMBERED_SECONDS + int(seconds))
            line.execute()

    @translated
    def room(self) -> int | None:
        """How many may be called up for painting: none while all painters rest, one to try, else any number (None)."""
        with self._redis.pipeline() as line:
            line.exists(CLOSED)
            line.exists(AWAY)
            closed, away = line.execute()
        return 0 if closed else 1 if away else None

    @translated
    def away(self) -> Away | None:
        """Whether none of them takes orders, since when, and why."""
        found = {name.decode(): value.decode() for name, value in self._redis.hgetall(AWAY).items()}
        if "since" not in found:
            return None
        return Away(found.get("code", ""), _moment(found["since"]), self._seconds(CLOSED))

    @translated
    def ill(self) -> list[Ill]:
        """Those that failed and have not worked since, in the order of their addresses."""
        found = []
        for name in self._redis.smembers(LISTED):
            values = {key.decode(): value.decode() for key, value in self._redis.hgetall(name).items()}
            if "since" in values:
                rest = self._seconds(name.decode().replace(":ill:", ":rest:"))
                about = (values["url"], values["code"], values["detail"], _moment(values["since"]))
                found.append(Ill(*about, rest))
        return sorted(found, key=lambda one: one.url)

    @translated
    def forget(self) -> None:
        """Try all of them again at once: the host has mended something."""
        names = [name.decode() for name in self._redis.smembers(LISTED)]
        others = [name.replace(":ill:", f":{kind}:") for name in names for kind in ("rest", "probe", "doubt")]
        self._redis.delete(CLOSED, AWAY, LISTED, *names, *others)

    def _clear(self, url: str) -> None:
        rest, ill, probe = _keys(url)
        with self._redis.pipeline() as line:
            line.delete(rest, ill, probe, CLOSED, AWAY)
            line.srem(LISTED, ill)
            line.execute()

    def _suspect(self, order: str) -> None:
        if not order.isdigit():
            return
        with self._redis.pipeline() as line:
            line.zadd(SUSPECTS, {order: now().timestamp()})
            line.zremrangebyrank(SUSPECTS, 0, -MAX_SUSPECTS - 1)
            line.expire(SUSPECTS, REMEMBERED_SECONDS)
            line.execute()

    @property
    def _redis(self) -> Any:
        if self.queue is None:
            raise TryLater("queue_away", counted=False)
        return self.queue.connection

    def _seconds(self, key: str) -> float:
        return max(0, int(self._redis.pttl(key))) / 1000


def shown(url: str) -> str:
    """An address as the host may read it: without names and passwords."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _keys(url: str) -> tuple[str, str, str]:
    name = _name(url)
    return f"painter:rest:{name}", f"painter:ill:{name}", f"painter:probe:{name}"


def _doubt(url: str) -> str:
    return f"painter:doubt:{_name(url)}"


def _refused(url: str) -> str:
    """Per order: how many orders this backend had painted when it refused that one last."""
    return f"painter:refused:{_name(url)}"


def _painted(url: str) -> str:
    return f"painter:painted:{_name(url)}"


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _moment(timestamp: str) -> datetime:
    return datetime.fromtimestamp(float(timestamp), UTC)
