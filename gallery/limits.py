"""How often somebody may do something here. Knows no page and no database.

    await within_limits(request, "comment")     # raises HTTPException 429 with Retry-After: drawn by `problems.py`

Members are counted by themselves, strangers by their address: if a proxy stands before the site, the one that uvicorn
believes it (`FORWARDED_ALLOW_IPS`). All web processes count together in Redis. While it is away each counts by itself,
in memory: nobody is refused for it, and nobody is without limits.
"""

import math
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic

from fastapi import HTTPException, Request

from core.logs import get_logger
from core.recent_hits import CountsAway, MemoryHits, Rate, RedisHits, rates_of
from gallery.signing.visitor import visitor_of

log = get_logger(__name__)

# What a person does by hand in a minute, and in an hour. Each kind is counted for itself.
WRITES = "30/minute;300/hour"
RATES = {
    # A press of a button each, on a wall full of pictures.
    "like": "60/minute;1000/hour",
    "follow": "60/minute;600/hour",
    "collect": "60/minute;1000/hour",
    "report": "5/minute;20/hour",
    # Pictures to start from: each takes time to read, and a place for a day.
    "choose": "20/minute;60/hour",
    "sign-in": "20/10 minutes",
    # Programs: the API, feeds, previews; and searches by hand.
    "api": "600/minute",
    "search": "120/minute",
    # Cards that have to be drawn: 50 ms each, one at a time.
    "preview": "300/minute;5000/hour",
    # Whatever has no page of its own: colours, what is read, signing out.
    "form": "120/minute;2000/hour",
    # All that we hold on somebody, pictures included, is read for it.
    "data": "6/hour",
}
# An IPv6 household has a network of 64 bits; whoever rents 48 has 65,536 of those, which together may do so many times
# as much as one.
NETWORKS_TOGETHER = 20
NETWORK = "network:"
# Redis that did not answer is asked again after so many seconds.
AWAY_SECONDS = 5.0


class Limits:
    """What was done lately, by whom.

    Args:
        rates: for each kind, like `30/minute;300/hour`. `default`: for kinds without one.
        shared: the counts of all processes; None if this process is the only one.
    """

    def __init__(
        self, rates: Mapping[str, str] = RATES, default: str = WRITES, *, shared: RedisHits | None = None
    ) -> None:
        self._rates = {kind: rates_of(words) for kind, words in rates.items()}
        self._default = rates_of(default)
        self._own, self._shared = MemoryHits(), shared
        self._away_until, self._is_away = 0.0, False

    async def take(self, kind: str, who: str, *, times: int = 1) -> float:
        """Count one doing. Returns 0 if that is fine, else the seconds until it will be: then it is not counted.

        `times`: how many times as much this one may do, who stands for several.
        """
        rates = [rate.times(times) for rate in self._rates.get(kind, self._default)]
        wait = await self._take(f"{kind} {who}", rates)
        return max(1.0, wait) if wait else 0.0

    async def _take(self, key: str, rates: list[Rate]) -> float:
        if self._shared is None or monotonic() < self._away_until:
            return self._own.take(key, rates)
        try:
            wait = await self._shared.take(key, rates)
        except CountsAway as away:
            self._away_until = monotonic() + AWAY_SECONDS
            self._note(is_away=True, reason=str(away))
            return self._own.take(key, rates)
        self._note(is_away=False)
        return wait

    def _note(self, *, is_away: bool, reason: str = "") -> None:
        """One line when an outage begins, and one when it is over."""
        if is_away and not self._is_away:
            log.warning("limits are counted by this process alone: redis does not answer", reason=reason)
        elif self._is_away and not is_away:
            log.info("limits are shared again")
        self._is_away = is_away


async def within_limits(request: Request, kind: str) -> None:
    """Count one doing of this kind by whoever asks. Raises HTTPException 429, which says when to come back."""
    limits, who = limits_of(request), await who_asks(request)
    seconds = await limits.take(kind, who)
    if not seconds and who.startswith(NETWORK):
        seconds = await limits.take(kind, who[: len(NETWORK) + 12], times=NETWORKS_TOGETHER)
    if seconds:
        raise HTTPException(429, headers={"Retry-After": str(math.ceil(seconds))})


def limits_of(request: Request) -> Limits:
    """The counts of this site."""
    limits: Limits = request.app.state.limits
    return limits


async def who_asks(request: Request) -> str:
    """The member, or the stranger's address. Of IPv6 the network: one household has more addresses than there are
    people."""
    visitor = await visitor_of(request)
    if visitor.person is not None:
        return f"member:{visitor.person.id}"
    return _named(request.client.host if request.client else "")


def _named(host: str) -> str:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return f"{NETWORK}{address.packed[:8].hex()}"
        address = address.ipv4_mapped
    return f"address:{address}"
