"""How often a person, or the app, may call each endpoint: fixed windows, counted and refused. Knows names only.

Windows live in memory only: a restarted sandbox has forgotten them, its table it keeps.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from sandbox.clock import Clock
from sandbox.model import Json

QUARTER = 15 * 60
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Limit:
    calls: int
    seconds: int = QUARTER


@dataclass(frozen=True, slots=True)
class Row:
    """`shared`: the app's limit counts the calls of all its people, too, beside each one's own."""

    app: Limit
    user: Limit
    shared: bool = False


# x-platform 2.1; where X documents no limit for the app, the user's stands.
LIMITS: dict[str, Row] = {
    "GET /2/users/me": Row(Limit(75), Limit(75)),
    "GET /2/users/:id/mentions": Row(Limit(450), Limit(300)),
    "GET /2/users/:id/tweets": Row(Limit(10_000), Limit(900)),
    "GET /2/users/:id/followers": Row(Limit(300), Limit(300)),
    "GET /2/users/:id/following": Row(Limit(300), Limit(300)),
    "GET /2/users/by/username/:username": Row(Limit(300), Limit(900)),
    "GET /2/users/by": Row(Limit(300), Limit(900)),
    "GET /2/users/:id": Row(Limit(300), Limit(900)),
    "GET /2/users": Row(Limit(300), Limit(900)),
    "GET /2/tweets/search/recent": Row(Limit(450), Limit(300)),
    "GET /2/tweets/:id": Row(Limit(450), Limit(900)),
    "GET /2/tweets": Row(Limit(3_500), Limit(5_000)),
    "POST /2/tweets": Row(Limit(10_000, DAY), Limit(100), shared=True),
    "DELETE /2/tweets/:id": Row(Limit(50), Limit(50)),
    "PUT /2/tweets/:id/hidden": Row(Limit(50), Limit(50)),
    "POST /2/media/upload": Row(Limit(50_000, DAY), Limit(500), shared=True),
    "GET /2/media/upload": Row(Limit(100_000, DAY), Limit(1_000), shared=True),
    "POST /2/media/upload/initialize": Row(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/upload/:id/append": Row(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/upload/:id/finalize": Row(Limit(180_000, DAY), Limit(1_875), shared=True),
    "POST /2/media/metadata": Row(Limit(50_000, DAY), Limit(500), shared=True),
    "GET /2/usage/tweets": Row(Limit(50), Limit(50)),
}
UNLISTED = Row(Limit(300), Limit(300))


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
        return self.told("x-rate-limit")

    def told(self, name: str) -> dict[str, str]:
        return {
            f"{name}-limit": str(self.limit.calls),
            f"{name}-remaining": str(self.left),
            f"{name}-reset": str(self.ends_at),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one call at the limits, and the headers that tell its caller."""

    allowed: bool
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What the control API may change, as it is kept on disk: `rows` only where they differ from X's own."""

    off: bool = False
    day_headers: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    def row(self, endpoint: str) -> Row:
        return self.rows.get(endpoint) or LIMITS.get(endpoint, UNLISTED)

    def with_limit(self, endpoint: str, limit: Limit, who: str) -> Table:
        row = self.row(endpoint)
        app, user = (limit if who in (side, "both") else getattr(row, side) for side in ("app", "user"))
        return replace(self, rows=self.rows | {endpoint: replace(row, app=app, user=user)})

    @property
    def fact(self) -> Json:
        return asdict(self)

    @staticmethod
    def of(fact: Json) -> Table:
        rows = {
            name: Row(Limit(**row["app"]), Limit(**row["user"]), row["shared"]) for name, row in fact["rows"].items()
        }
        return Table(fact["off"], fact["day_headers"], rows)


class Limits:
    """Each window begins with its first call. A refused call is not counted."""

    def __init__(self, clock: Clock, table: Table) -> None:
        self._clock = clock
        self.table = table
        self.windows: dict[tuple[str, str], Window] = {}

    def change(self, table: Table) -> None:
        """The windows of the endpoints whose limits change begin anew."""
        self.windows = {
            key: open_ for key, open_ in self.windows.items() if table.row(key[1]) == self.table.row(key[1])
        }
        self.table = table

    def reset(self) -> None:
        self.table, self.windows = Table(), {}

    def take(self, endpoint: str, who: str, *, app: bool) -> Taken:
        row = self.table.row(endpoint)
        own = self._window(who, endpoint, row.app if app else row.user)
        windows = [own, self._window("", endpoint, row.app)] if row.shared else [own]
        full = next((window for window in windows if not window.left), None)
        if full is not None and not self.table.off:
            return Taken(False, full.headers | self._day(windows[1:]))
        for window in windows:
            window.used += 1
        return Taken(True, own.headers | self._day(windows[1:]))

    def _window(self, who: str, endpoint: str, limit: Limit) -> Window:
        now = self._clock.now_ms() // 1000
        window = self.windows.get((who, endpoint))
        if window is None or window.ends_at <= now:
            window = self.windows[who, endpoint] = Window(limit, now + limit.seconds)
        return window

    def _day(self, shared: list[Window]) -> dict[str, str]:
        """X sent these until 2025 and may again; they are a switch."""
        return shared[0].told("x-app-limit-24hour") if shared and self.table.day_headers else {}
