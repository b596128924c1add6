"""Limit how often a client may do something.

    @router.get("/search", dependencies=[Depends(rate_limit("search"))])
    await enforce_rate_limit(request, "comment")      # if it must count only after other checks

Both raise HTTPException 429 with Retry-After. Members count by id, others by address: behind a proxy, the address that
uvicorn takes from it (`FORWARDED_ALLOW_IPS`). All web processes share their counts in Redis. While Redis is away, each
process counts in memory: no request fails for it, and none is unlimited.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic

from fastapi import HTTPException, Request

from core.logs import get_logger
from core.sliding_window import CountsUnavailable, MemorySlidingWindow, Rate, RedisSlidingWindow, parse_rates
from gallery.web.current_user import get_current_user

log = get_logger(__name__)

# For forms without a rate of their own. Each kind counts by itself.
DEFAULT_RATES = "30/minute;300/hour"
RATES = {
    # One click each, on a page full of pictures.
    "like": "60/minute;1000/hour",
    "follow": "60/minute;600/hour",
    "collect": "60/minute;1000/hour",
    # Each notifies somebody.
    "invite": "10/minute;60/hour",
    "report": "5/minute;20/hour",
    # Uploads of init images: each takes time to decode, and disk space for a day.
    "choose": "20/minute;60/hour",
    "sign-in": "20/10 minutes",
    # Programs: the API, feeds, oEmbed; and searches by hand.
    "api": "600/minute",
    "search": "120/minute",
    # Preview cards take 50 ms of CPU each, one at a time.
    "preview": "300/minute;5000/hour",
    # Downloads as PNG take 150 ms of CPU each, one at a time.
    "download": "60/minute;600/hour",
    # Small forms: theme, read notifications, sign out.
    "form": "120/minute;2000/hour",
    # A data export reads everything stored about a user, pictures included.
    "data": "6/hour",
}
# An IPv6 household has a /64. A customer with a /48 has 65,536 of those, which together get this many times the limit.
NETWORKS_TOGETHER = 20
NETWORK = "network:"
# After a failed call, Redis is left alone this long.
AWAY_SECONDS = 5.0


class RateLimiter:
    """Count requests per kind and client.

    Args:
        rates: per kind, such as `30/minute;300/hour`.
        default: rates of all other kinds.
        shared: the counts of all processes; None if this process is the only one.
    """

    def __init__(
        self,
        rates: Mapping[str, str] = RATES,
        default: str = DEFAULT_RATES,
        *,
        shared: RedisSlidingWindow | None = None,
    ) -> None:
        self._rates = {kind: parse_rates(text) for kind, text in rates.items()}
        self._default = parse_rates(default)
        self._own, self._shared = MemorySlidingWindow(), shared
        self._away_until, self._is_away = 0.0, False

    async def hit(self, kind: str, client: str, *, times: int = 1) -> float:
        """Count a request and return 0; or return the seconds until it is allowed, without counting it.

        `times`: multiplies the rates, for a key that several clients share.
        """
        rates = [rate.times(times) for rate in self._rates.get(kind, self._default)]
        wait = await self._hit(f"{kind} {client}", rates)
        return max(1.0, wait) if wait else 0.0

    async def _hit(self, key: str, rates: list[Rate]) -> float:
        if self._shared is None or monotonic() < self._away_until:
            return self._own.acquire(key, rates)
        try:
            wait = await self._shared.acquire(key, rates)
        except CountsUnavailable as away:
            self._away_until = monotonic() + AWAY_SECONDS
            self._log_outage(is_away=True, reason=str(away))
            return self._own.acquire(key, rates)
        self._log_outage(is_away=False)
        return wait

    def _log_outage(self, *, is_away: bool, reason: str = "") -> None:
        """Log once when an outage starts, and once when it ends."""
        if is_away and not self._is_away:
            log.warning("redis does not answer, rate limits count per process", reason=reason)
        elif self._is_away and not is_away:
            log.info("redis answers again, rate limits are shared")
        self._is_away = is_away


def rate_limit(kind: str) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that counts a request of this kind."""

    async def dependency(request: Request) -> None:
        await enforce_rate_limit(request, kind)

    return dependency


async def enforce_rate_limit(request: Request, kind: str) -> None:
    """Count a request of this kind by its client. Raises HTTPException 429 with Retry-After."""
    limiter, client = get_rate_limiter(request), await client_key(request)
    seconds = await limiter.hit(kind, client)
    if not seconds and client.startswith(NETWORK):
        seconds = await limiter.hit(kind, client[: len(NETWORK) + 12], times=NETWORKS_TOGETHER)
    if seconds:
        raise HTTPException(429, headers={"Retry-After": str(math.ceil(seconds))})


def get_rate_limiter(request: Request) -> RateLimiter:
    """Return the limiter of this site."""
    limiter: RateLimiter = request.app.state.rate_limiter
    return limiter


async def client_key(request: Request) -> str:
    """Return the member, or the address; for IPv6 its /64 network, because one household has many addresses."""
    user = await get_current_user(request)
    if user.person is not None:
        return f"member:{user.person.id}"
    return _address_key(request.client.host if request.client else "")


def _address_key(host: str) -> str:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return f"{NETWORK}{address.packed[:8].hex()}"
        address = address.ipv4_mapped
    return f"address:{address}"
