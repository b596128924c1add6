"""Sliding-window rate limiter: at most so many hits in so many seconds, exact, at constant cost per hit.

It stores the times of the last hits of each key, as many as the largest rate needs. They are in memory, for the most
recently used keys, or in Redis, shared by all processes, where keys expire.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MAX_KEYS = 20_000
# A page does not wait longer for Redis.
TIMEOUT_SECONDS = 0.25
MAX_CONNECTIONS = 16

# KEYS: the list of hit times, newest first. ARGV: amount and seconds of each rate. Returns seconds to wait, as text.
ACQUIRE = """
local clock = redis.call('TIME')
local now, wait, max_amount, max_seconds = clock[1] + clock[2] / 1000000, 0, 0, 0
for i = 1, #ARGV, 2 do
    local amount, seconds = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local hit = redis.call('LINDEX', KEYS[1], amount - 1)
    if hit then wait = math.max(wait, hit + seconds - now) end
    max_amount, max_seconds = math.max(max_amount, amount), math.max(max_seconds, seconds)
end
if wait > 0 then return tostring(wait) end
redis.call('LPUSH', KEYS[1], string.format('%.3f', now))
redis.call('LTRIM', KEYS[1], 0, max_amount - 1)
redis.call('EXPIRE', KEYS[1], max_seconds)
return '0'
"""


class CountsUnavailable(Exception):
    """Redis does not respond."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` in `seconds`."""

    amount: int
    seconds: int

    def times(self, factor: int) -> "Rate":
        """Return the rate for `factor` users together."""
        return Rate(self.amount * factor, self.seconds)


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Parse `30/minute;20/10 minutes`. Raises ValueError."""
    return tuple(_parse_rate(part) for part in text.split(";"))


def _parse_rate(text: str) -> Rate:
    amount, _, period = text.strip().partition("/")
    number, _, unit = period.rpartition(" ")
    if unit.removesuffix("s") not in UNITS:
        raise ValueError(f"invalid rate {text!r} (expected N/period, e.g. 30/minute or 20/10 minutes)")
    return Rate(int(amount), int(number or 1) * UNITS[unit.removesuffix("s")])


class MemorySlidingWindow:
    """Counts of one process. Beyond `max_keys` it drops the least recently used key."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()
        self._max_keys = max_keys

    def __len__(self) -> int:
        return len(self._hits)

    def acquire(self, key: str, rates: Sequence[Rate]) -> float:
        """Count a hit and return 0 if it is within all rates; else return the seconds to wait."""
        moment = time.monotonic()
        hits = self._hits.get(key)
        if hits is None:
            hits = self._hits[key] = deque(maxlen=max(rate.amount for rate in rates))
        self._hits.move_to_end(key)
        if len(self._hits) > self._max_keys:
            self._hits.popitem(last=False)
        full = [rate for rate in rates if len(hits) >= rate.amount]
        wait = max((hits[-rate.amount] + rate.seconds - moment for rate in full), default=0.0)
        if wait <= 0:
            hits.append(moment)
        return max(0.0, wait)


class RedisSlidingWindow:
    """Counts shared by all processes with the same server and prefix. Connects on first use, in one event loop."""

    def __init__(self, url: str, prefix: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._acquire = self._redis.register_script(ACQUIRE)
        self._prefix = prefix

    async def acquire(self, key: str, rates: Sequence[Rate]) -> float:
        """Count a hit like `MemorySlidingWindow.acquire`. Raises CountsUnavailable if Redis does not respond."""
        args = [number for rate in rates for number in (rate.amount, rate.seconds)]
        # Keep network addresses out of Redis' files.
        name = f"{self._prefix}:{blake2b(key.encode(), digest_size=12).hexdigest()}"
        try:
            return float(await self._acquire(keys=[name], args=args))
        except (RedisError, OSError) as error:
            raise CountsUnavailable(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
