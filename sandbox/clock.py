"""Provide the world's clock and ids derived from it."""

import time
import zlib
from datetime import UTC, datetime
from typing import Protocol

X_EPOCH_MS = 1_288_834_974_657
LAST_MS = 3_313_440_000_000  # the last day of 2074: later ids would no longer fit into 63 bits


class Clock(Protocol):
    """A source of the current time."""

    def now_ms(self) -> int: ...


class WallClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


class AdjustableClock:
    """A clock that can be advanced and scaled. It never goes back.

    It is a linear function of `wall`, so time passes also while the process is down.
    """

    def __init__(self, wall: Clock) -> None:
        self.wall = wall
        self.scale = 1.0
        self._wall_ms = self._world_ms = self._last = wall.now_ms()

    def now_ms(self) -> int:
        adjusted = self._world_ms + round((self.wall.now_ms() - self._wall_ms) * self.scale)
        self._last = min(max(self._last, adjusted), LAST_MS)
        return self._last

    def adjust(self, *, advance: float = 0, scale: float | None = None) -> None:
        """Advance by seconds, and run `scale` times as fast as the wall clock from now on."""
        self._world_ms = self.now_ms() + round(advance * 1000)
        self._wall_ms = self.wall.now_ms()
        self.scale = self.scale if scale is None else scale

    @property
    def is_adjusted(self) -> bool:
        """Return whether this clock differs from the wall clock by more than a second."""
        return abs(self.now_ms() - self.wall.now_ms()) > 1000

    @property
    def state(self) -> dict[str, float]:
        """Return the state that `restore` needs after a restart."""
        return {"wall_ms": self._wall_ms, "world_ms": self._world_ms, "scale": self.scale}

    def restore(self, state: dict[str, float]) -> None:
        self._wall_ms, self._world_ms, self.scale = int(state["wall_ms"]), int(state["world_ms"]), state["scale"]
        self._last = self._world_ms


class Snowflakes:
    """Growing ids in X's format: milliseconds, 10 bits of machine (here: the seed), 12 bits of sequence."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._machine = (seed % 1024) << 12
        self.last = 0

    def next(self) -> int:
        fresh = min_id_at(self._clock.now_ms()) | self._machine
        if fresh <= self.last:
            # The same millisecond, or a world loaded from disk whose clock was ahead.
            fresh = self.last + 1
        self.last = fresh
        return fresh

    def at(self, ms: int, name: str) -> int:
        """Return an id of a past time, the same in every world of this seed. For users of the seed data."""
        return min_id_at(ms) | self._machine | (zlib.crc32(name.encode()) & 0xFFF)


def min_id_at(ms: int) -> int:
    return max(0, ms - X_EPOCH_MS) << 22


def snowflake_ms(snowflake: int) -> int:
    return (snowflake >> 22) + X_EPOCH_MS


def iso(ms: int) -> str:
    """Format as `2026-11-20T09:40:00.000Z`. tweepy rejects dates without the fraction."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
