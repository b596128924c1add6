"""Count what was done lately: at most so many in so many seconds, exactly, at the same cost for any number of callers.

Of each key the moments of the last hits are kept, no more than the largest rate needs. In memory, of the keys used
last; or in Redis, for all processes, where a key ends by itself. Knows no page and no person.
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
# A page waits no longer for the count; and a server that was away is left alone for so long.
CALL_SECONDS = 0.25
CONNECTIONS = 16

# KEYS: the list of a key, newest first. ARGV: amount and seconds of each rate. Returns the seconds to wait, as text.
TAKE = """
local clock = redis.call('TIME')
local now, wait, most, longest = clock[1] + clock[2] / 1000000, 0, 0, 0
for i = 1, #ARGV, 2 do
    local amount, seconds = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local hit = redis.call('LINDEX', KEYS[1], amount - 1)
    if hit then wait = math.max(wait, hit + seconds - now) end
    most, longest = math.max(most, amount), math.max(longest, seconds)
end
if wait > 0 then return tostring(wait) end
redis.call('LPUSH', KEYS[1], string.format('%.3f', now))
redis.call('LTRIM', KEYS[1], 0, most - 1)
redis.call('EXPIRE', KEYS[1], longest)
return '0'
"""


class CountsAway(Exception):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` in `seconds`."""

    amount: int
    seconds: int

    def times(self, factor: int) -> "Rate":
        """The same for several together."""
        return Rate(self.amount * factor, self.seconds)


def rates_of(words: str) -> tuple[Rate, ...]:
    """Parse `30/minute;20/10 minutes`. Raises ValueError."""
    return tuple(_rate_of(part) for part in words.split(";"))


def _rate_of(words: str) -> Rate:
    amount, _, period = words.strip().partition("/")
    number, _, unit = period.rpartition(" ")
    if unit.removesuffix("s") not in UNITS:
        raise ValueError(f"{words!r} is no rate; write it like 30/minute or 20/10 minutes")
    return Rate(int(amount), int(number or 1) * UNITS[unit.removesuffix("s")])


class MemoryHits:
    """The counts of one process. Beyond `max_keys` the key that was used longest ago is dropped."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()
        self._max_keys = max_keys

    def __len__(self) -> int:
        return len(self._hits)

    def take(self, key: str, rates: Sequence[Rate]) -> float:
        """Count one hit if it is within all rates, and return 0; else return the seconds until it would be."""
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


class RedisHits:
    """The counts of all processes that use the same server and prefix. Connects on first use, in one event loop."""

    def __init__(self, url: str, prefix: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            socket_timeout=CALL_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._take = self._redis.register_script(TAKE)
        self._prefix = prefix

    async def take(self, key: str, rates: Sequence[Rate]) -> float:
        """As in memory. Raises CountsAway."""
        arguments = [number for rate in rates for number in (rate.amount, rate.seconds)]
        # Addresses do not stand in the server's files.
        name = f"{self._prefix}:{blake2b(key.encode(), digest_size=12).hexdigest()}"
        try:
            return float(await self._take(keys=[name], args=arguments))
        except (RedisError, OSError) as error:
            raise CountsAway(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
