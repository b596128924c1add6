"""Tells the world's time and hands out ids from it. Knows nothing of people or posts."""

import time
import zlib
from datetime import UTC, datetime
from typing import Protocol

X_EPOCH_MS = 1_288_834_974_657
LAST_MS = 3_313_440_000_000  # the last day of 2074: later ids would no longer fit into 63 bits


class Clock(Protocol):
    """The only place the world asks what time it is, so that tests (and a later control call) can turn it."""

    def now_ms(self) -> int: ...


class WallClock:
    """The machine's own time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


class TurningClock:
    """Another clock, turned: set ahead, and running faster or slower from the moment it was told to. Never goes back.

    World time is a straight line over the clock below: it goes on while the process is down.
    """

    def __init__(self, wall: Clock) -> None:
        self.wall = wall
        self.scale = 1.0
        self._wall_ms = self._world_ms = self._last = wall.now_ms()

    def now_ms(self) -> int:
        turned = self._world_ms + round((self.wall.now_ms() - self._wall_ms) * self.scale)
        self._last = min(max(self._last, turned), LAST_MS)
        return self._last

    def turn(self, *, advance: float = 0, scale: float | None = None) -> None:
        """`advance` in seconds; `scale` holds for the time from now on."""
        self._world_ms = self.now_ms() + round(advance * 1000)
        self._wall_ms = self.wall.now_ms()
        self.scale = self.scale if scale is None else scale

    @property
    def is_turned(self) -> bool:
        """Whether the world's time is not the time below."""
        return abs(self.now_ms() - self.wall.now_ms()) > 1000

    @property
    def fact(self) -> dict[str, float]:
        """What a restarted world needs to tell the same time."""
        return {"wall_ms": self._wall_ms, "world_ms": self._world_ms, "scale": self.scale}

    def restore(self, fact: dict[str, float]) -> None:
        self._wall_ms, self._world_ms, self.scale = int(fact["wall_ms"]), int(fact["world_ms"]), fact["scale"]
        self._last = self._world_ms


class Snowflakes:
    """Ids as X makes them: milliseconds, ten bits of machine (here: the seed), twelve of sequence. Always growing."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._machine = (seed % 1024) << 12
        self.last = 0

    def next(self) -> int:
        fresh = first_id_at(self._clock.now_ms()) | self._machine
        if fresh <= self.last:
            # Same millisecond, a clock turned back, or a world that was loaded from disk: count on from the last one.
            fresh = self.last + 1
        self.last = fresh
        return fresh

    def at(self, ms: int, name: str) -> int:
        """An id from the past, the same in every world of one seed: for people who were there before."""
        return first_id_at(ms) | self._machine | (zlib.crc32(name.encode()) & 0xFFF)


def first_id_at(ms: int) -> int:
    return max(0, ms - X_EPOCH_MS) << 22


def ms_of(snowflake: int) -> int:
    return (snowflake >> 22) + X_EPOCH_MS


def iso(ms: int) -> str:
    """`2026-11-20T09:40:00.000Z`: tweepy refuses dates without the fraction."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
