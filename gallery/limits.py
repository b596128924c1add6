"""How often somebody may do something here, kept in the memory of the process. Knows no page and no database.

    await within_limits(request, "comment")     # raises HTTPException 429 with Retry-After: drawn by `problems.py`

Members are counted by themselves, strangers by their address: where a proxy stands before the site, the one that
uvicorn believes it (`FORWARDED_ALLOW_IPS`). Several processes count each for itself: these are manners, not quotas.
"""

import math
import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from fastapi import HTTPException, Request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gallery.signing.visitor import visitor_of

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
    # All that we hold on somebody, pictures included, is read for it.
    "data": "6/hour",
}
# Who was counted long ago is dropped from memory when there are more than these.
MOST_KEPT = 20_000


class Limits:
    """What was done lately, by whom. `rates`: for each kind, in the words of the `limits` library."""

    def __init__(self, rates: Mapping[str, str] = RATES, default: str = WRITES) -> None:
        self._rates = {kind: _sorted(words) for kind, words in rates.items()}
        self._default = _sorted(default)
        self._storage = MemoryStorage()
        self._window = MovingWindowRateLimiter(self._storage)

    def take(self, kind: str, who: str) -> float:
        """Count one doing. Returns 0 where that is fine, else the seconds until it will be: then it is not counted."""
        self._tidy()
        rates = self._rates.get(kind, self._default)
        for rate in rates:
            if not self._window.test(rate, kind, who):
                reset = self._window.get_window_stats(rate, kind, who).reset_time
                return max(1.0, reset - time.time())
        for rate in rates:
            self._window.hit(rate, kind, who)
        return 0.0

    def _tidy(self) -> None:
        """The library forgets what somebody did, but never that there was somebody."""
        events = self._storage.events
        if len(events) > MOST_KEPT:
            for key in [key for key, kept in list(events.items()) if not kept]:
                events.pop(key, None)


async def within_limits(request: Request, kind: str) -> None:
    """Count one doing of this kind by whoever asks. Raises HTTPException 429, which says when to come back."""
    seconds = limits_of(request).take(kind, await who_asks(request))
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
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"network:{address.packed[:8].hex()}"
    return f"address:{getattr(address, 'ipv4_mapped', None) or address}"


def _sorted(words: str) -> list[RateLimitItem]:
    return sorted(parse_many(words), key=lambda rate: rate.get_expiry())
