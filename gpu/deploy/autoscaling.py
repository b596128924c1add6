"""Bounds for Modal's autoscaler by day and by night, and what they can cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class AutoscalerPolicy:
    """Modal's parameters from `start_hour` (0 to 23) on. Raises ValueError if they contradict each other.

    `buffer_containers` are spares while requests arrive. An idle container stays for `scaledown_window` seconds.
    """

    name: str
    start_hour: int
    min_containers: int
    max_containers: int
    scaledown_window: int
    buffer_containers: int = 0

    def __post_init__(self) -> None:
        # Modal reads a maximum of 0 as "no maximum", which would be no ceiling at all.
        if self.max_containers < 1:
            raise ValueError(f"by {self.name} the maximum must be at least one container")
        if max(self.min_containers, self.buffer_containers) > self.max_containers:
            raise ValueError(f"by {self.name} the minimum and the buffer must not exceed the maximum of containers")

    def max_usd_per_hour(self, usd_per_second: float) -> float:
        return self.max_containers * usd_per_second * 3600

    def min_usd_per_hour(self, usd_per_second: float) -> float:
        """Return the cost without any requests."""
        return self.min_containers * usd_per_second * 3600


@dataclass(frozen=True)
class AutoscalingSchedule:
    """Day and night in one timezone (an IANA name). Raises ValueError if it is unknown, or if the hours are equal."""

    day: AutoscalerPolicy
    night: AutoscalerPolicy
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of names
            raise ValueError(f"unknown timezone {self.timezone[:40]!r}") from None
        if self.day.start_hour == self.night.start_hour:
            raise ValueError("day and night start at the same hour")

    def policy_at(self, now: datetime) -> AutoscalerPolicy:
        """Return the policy at a moment (timezone-aware)."""
        if now.tzinfo is None:
            raise ValueError("the moment has no timezone")
        hour = now.astimezone(ZoneInfo(self.timezone)).hour
        since_day, since_night = (hour - self.day.start_hour) % 24, (hour - self.night.start_hour) % 24
        return self.day if since_day < since_night else self.night

    def min_usd_per_day(self, usd_per_second: float) -> float:
        """Return the cost of an ordinary day without any requests."""
        day_hours = (self.night.start_hour - self.day.start_hour) % 24
        by_day, by_night = (policy.min_usd_per_hour(usd_per_second) for policy in (self.day, self.night))
        return day_hours * by_day + (24 - day_hours) * by_night
