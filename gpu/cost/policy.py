"""How many containers may run by day and by night, and what that can cost. Pure: knows no Modal and asks no clock.

A policy's ceiling is what an hour costs at most, whoever asks; its floor is what an hour costs when nobody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_OF_A_MONTH = 30


@dataclass(frozen=True)
class Policy:
    """Bounds for Modal's autoscaler from the hour `begins` (0 to 23) on. Raises ValueError where they contradict.

    `buffer_containers` are spares while somebody asks; `scaledown_window` is how many seconds a container stays when
    nobody does (Modal takes 2 to 3600).
    """

    name: str
    begins: int
    min_containers: int
    max_containers: int
    scaledown_window: int
    buffer_containers: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.begins <= 23:
            raise ValueError(f"the {self.name} begins at an hour from 0 to 23")
        if not 2 <= self.scaledown_window <= 3600:
            raise ValueError(f"by {self.name} a container stays from 2 to 3600 seconds")
        # Modal reads a maximum of 0 as "no maximum", which would be no ceiling at all.
        if self.max_containers < 1 or self.min_containers < 0 or self.buffer_containers < 0:
            raise ValueError(f"by {self.name} at most one container or more may run, and none or more at least")
        if max(self.min_containers, self.buffer_containers) > self.max_containers:
            raise ValueError(f"by {self.name} no more containers may be kept warm than may run at most")

    def ceiling(self, usd_per_second: float) -> float:
        """US dollars an hour can cost at most."""
        return self.max_containers * usd_per_second * 3600

    def floor(self, usd_per_second: float) -> float:
        """US dollars an hour costs when nobody asks."""
        return self.min_containers * usd_per_second * 3600


@dataclass(frozen=True)
class Plan:
    """Day and night in one timezone (an IANA name). Raises ValueError for an unknown one, or a night without hours."""

    day: Policy
    night: Policy
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of names
            raise ValueError(f"{self.timezone[:40]!r} is no timezone") from None
        if self.day.begins == self.night.begins:
            raise ValueError("day and night begin at the same hour")

    def at(self, now: datetime) -> Policy:
        """The policy that holds at a moment (aware)."""
        hour = self._local(now).hour
        since_day, since_night = (hour - self.day.begins) % 24, (hour - self.night.begins) % 24
        return self.day if since_day < since_night else self.night

    def next_change(self, now: datetime) -> datetime:
        """When the other policy begins, in the plan's timezone."""
        today = self._local(now).date()
        other = self.night if self.at(now) is self.day else self.day
        days = (today + timedelta(days=number) for number in range(3))
        moments = (datetime.combine(day, time(other.begins), ZoneInfo(self.timezone)) for day in days)
        # Through UTC and back: an hour that the clocks skip begins with the next one there is.
        moments_in_utc = (moment.astimezone(UTC) for moment in moments)
        return self._local(next(moment for moment in moments_in_utc if moment > now))

    def hours(self, policy: Policy) -> int:
        """How many hours of an ordinary day a policy holds."""
        day_hours = (self.night.begins - self.day.begins) % 24
        return day_hours if policy is self.day else 24 - day_hours

    def floor_per_day(self, usd_per_second: float) -> float:
        """US dollars a day costs when nobody asks."""
        return sum(self.hours(policy) * policy.floor(usd_per_second) for policy in (self.day, self.night))

    def _local(self, now: datetime) -> datetime:
        if now.tzinfo is None:
            raise ValueError("a moment needs its timezone")
        return now.astimezone(ZoneInfo(self.timezone))
