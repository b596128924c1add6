"""Tells the world's time and hands out ids from it. Knows nothing of people or posts."""

import time
import zlib
from datetime import UTC, datetime
from typing import Protocol

X_EPOCH_MS = 1_288_834_974_657


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
