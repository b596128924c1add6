"""How often X lets one token call each endpoint, and how often it did. Counts and tells; refuses nobody yet."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.clock import Clock

QUARTER = 15 * 60
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Limit:
    calls: int
    seconds: int = QUARTER


# (app bearer, user token) as x-platform 2.1 has them; where X documents no app limit, the user's stands.
LIMITS: dict[str, tuple[Limit, Limit]] = {
    "GET /2/users/me": (Limit(75), Limit(75)),
    "GET /2/users/:id/mentions": (Limit(450), Limit(300)),
    "GET /2/users/:id/tweets": (Limit(10_000), Limit(900)),
    "GET /2/users/by/username/:username": (Limit(300), Limit(900)),
    "GET /2/users/:id": (Limit(300), Limit(900)),
    "GET /2/users": (Limit(300), Limit(900)),
    "GET /2/tweets/search/recent": (Limit(450), Limit(300)),
    "GET /2/tweets/:id": (Limit(450), Limit(900)),
    "GET /2/tweets": (Limit(3_500), Limit(5_000)),
    "POST /2/tweets": (Limit(10_000, DAY), Limit(100)),
    "DELETE /2/tweets/:id": (Limit(50), Limit(50)),
    "POST /2/media/upload": (Limit(50_000, DAY), Limit(500)),
    "POST /2/media/metadata": (Limit(50_000, DAY), Limit(500)),
}


@dataclass(slots=True)
class Window:
    limit: Limit
    ends_at: int
    used: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {
            "x-rate-limit-limit": str(self.limit.calls),
            "x-rate-limit-remaining": str(max(0, self.limit.calls - self.used)),
            "x-rate-limit-reset": str(self.ends_at),
        }


class Counter:
    """Fixed windows, one per token and endpoint, each beginning with its first call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}

    def count(self, endpoint: str, token: str, *, app: bool) -> Window:
        now = self._clock.now_ms() // 1000
        window = self._windows.get((token, endpoint))
        if window is None or window.ends_at <= now:
            limit = LIMITS[endpoint][0 if app else 1]
            window = self._windows[token, endpoint] = Window(limit, now + limit.seconds)
        window.used += 1
        return window
