"""Limit the calls per endpoint and caller in fixed windows, as X does.

Windows are in memory and end with the process; changed limits are stored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from sandbox.clock import Clock
from sandbox.model import Json

FIFTEEN_MINUTES = 15 * 60
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Limit:
    calls: int
    seconds: int = FIFTEEN_MINUTES


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """The limits of an endpoint. `shared`: calls of all users also count for the app."""

    app: Limit
    user: Limit
    shared: bool = False


# X's documented limits. Without one for the app, it is the user's.
LIMITS: dict[str, EndpointLimits] = {
    "GET /2/users/me": EndpointLimits(Limit(75), Limit(75)),
    "GET /2/users/:id/mentions": EndpointLimits(Limit(450), Limit(300)),
    "GET /2/users/:id/tweets": EndpointLimits(Limit(10_000), Limit(900)),
    "GET /2/users/:id/followers": EndpointLimits(Limit(300), Limit(300)),
    "GET /2/users/:id/following": EndpointLimits(Limit(300), Limit(300)),
    "GET /2/users/by/username/:username": EndpointLimits(Limit(300), Limit(900)),
    "GET /2/users/by": EndpointLimits(Limit(300), Limit(900)),
    "GET /2/users/:id": EndpointLimits(Limit(300), Limit(900)),
    "GET /2/users": EndpointLimits(Limit(300), Limit(900)),
    "GET /2/tweets/search/recent": EndpointLimits(Limit(450), Limit(300)),
    "GET /2/tweets/:id": EndpointLimits(Limit(450), Limit(900)),
    "GET /2/tweets": EndpointLimits(Limit(3_500), Limit(5_000)),
    "POST /2/tweets": EndpointLimits(Limit(10_000, DAY), Limit(100), shared=True),
    "DELETE /2/tweets/:id": EndpointLimits(Limit(50), Limit(50)),
    "PUT /2/tweets/:id/hidden": EndpointLimits(Limit(50), Limit(50)),
    "POST /2/media/upload": EndpointLimits(Limit(50_000, DAY), Limit(500), shared=True),
    "GET /2/media/upload": EndpointLimits(Limit(100_000, DAY), Limit(1_000), shared=True),
    "POST /2/media/upload/initialize": EndpointLimits(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/upload/:id/append": EndpointLimits(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/upload/:id/finalize": EndpointLimits(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/metadata": EndpointLimits(Limit(50_000, DAY), Limit(500), shared=True),
    "GET /2/usage/tweets": EndpointLimits(Limit(50), Limit(50)),
}
DEFAULT_LIMITS = EndpointLimits(Limit(300), Limit(300))


@dataclass(slots=True)
class Window:
    limit: Limit
    ends_at: int
    used: int = 0

    @property
    def left(self) -> int:
        return max(0, self.limit.calls - self.used)

    @property
    def headers(self) -> dict[str, str]:
        return self.headers_named("x-rate-limit")

    def headers_named(self, name: str) -> dict[str, str]:
        return {
            f"{name}-limit": str(self.limit.calls),
            f"{name}-remaining": str(self.left),
            f"{name}-reset": str(self.ends_at),
        }


@dataclass(frozen=True, slots=True)
class LimitResult:
    """Return whether a call is allowed, and its rate-limit headers."""

    allowed: bool
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The limits as stored. `rows` has only those that differ from X's."""

    off: bool = False
    day_headers: bool = False
    rows: dict[str, EndpointLimits] = field(default_factory=dict)

    def row(self, endpoint: str) -> EndpointLimits:
        return self.rows.get(endpoint) or LIMITS.get(endpoint, DEFAULT_LIMITS)

    def with_limit(self, endpoint: str, limit: Limit, caller: str) -> LimitTable:
        row = self.row(endpoint)
        app, user = (limit if caller in (side, "both") else getattr(row, side) for side in ("app", "user"))
        return replace(self, rows=self.rows | {endpoint: replace(row, app=app, user=user)})

    @property
    def stored(self) -> Json:
        return asdict(self)

    @staticmethod
    def from_stored(stored: Json) -> LimitTable:
        rows = {
            name: EndpointLimits(Limit(**row["app"]), Limit(**row["user"]), row["shared"])
            for name, row in stored["rows"].items()
        }
        return LimitTable(stored["off"], stored["day_headers"], rows)


class CallLimits:
    """A window starts with its first call. Rejected calls do not count."""

    def __init__(self, clock: Clock, table: LimitTable) -> None:
        self._clock = clock
        self.table = table
        self.windows: dict[tuple[str, str], Window] = {}

    def change(self, table: LimitTable) -> None:
        """Replace the limits, and reset the windows of the endpoints whose limits changed."""
        self.windows = {
            key: window for key, window in self.windows.items() if table.row(key[1]) == self.table.row(key[1])
        }
        self.table = table

    def reset(self) -> None:
        self.table, self.windows = LimitTable(), {}

    def acquire(self, endpoint: str, caller: str, *, app: bool) -> LimitResult:
        row = self.table.row(endpoint)
        own = self._window(caller, endpoint, row.app if app else row.user)
        windows = [own, self._window("", endpoint, row.app)] if row.shared else [own]
        full = next((window for window in windows if not window.left), None)
        if full is not None and not self.table.off:
            return LimitResult(False, full.headers | self._daily_headers(windows[1:]))
        for window in windows:
            window.used += 1
        return LimitResult(True, own.headers | self._daily_headers(windows[1:]))

    def blocked_seconds(self, endpoint: str, caller: str) -> int:
        """Return the seconds until a user may call this endpoint again; 0 if they may now."""
        if self.table.off:
            return 0
        now = self._clock.now_ms() // 1000
        windows = [self.windows.get((caller, endpoint)), self.windows.get(("", endpoint))]
        return max([0, *(window.ends_at - now for window in windows if window and not window.left)])

    def _window(self, caller: str, endpoint: str, limit: Limit) -> Window:
        now = self._clock.now_ms() // 1000
        window = self.windows.get((caller, endpoint))
        if window is None or window.ends_at <= now:
            window = self.windows[caller, endpoint] = Window(limit, now + limit.seconds)
        return window

    def _daily_headers(self, shared: list[Window]) -> dict[str, str]:
        """Return the 24-hour headers of the app if they are on. X sent them until 2025."""
        return shared[0].headers_named("x-app-limit-24hour") if shared and self.table.day_headers else {}
