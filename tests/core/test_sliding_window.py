"""Sliding-window rate limiting: exact, bounded, the same in memory and Redis, at constant cost."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.queue import WorkQueue
from core.sliding_window import CountsUnavailable, MemorySlidingWindow, Rate, RedisSlidingWindow, parse_rates


class InMemory:
    def __init__(self) -> None:
        self.hits = MemorySlidingWindow()

    def acquire(self, key: str, words: str) -> float:
        return self.hits.acquire(key, parse_rates(words))


class InRedis:
    def __init__(self, url: str) -> None:
        self.url = url

    def acquire(self, key: str, words: str) -> float:
        async def ask() -> float:
            hits = RedisSlidingWindow(self.url, "hits")
            try:
                return await hits.acquire(key, parse_rates(words))
            finally:
                await hits.close()

        return asyncio.run(ask())


@pytest.fixture(params=["memory", "redis"])
def counts(request: pytest.FixtureRequest) -> InMemory | InRedis:
    if request.param == "memory":
        return InMemory()
    request.getfixturevalue("queue")
    return InRedis(request.getfixturevalue("queue_server"))


def test_hits_beyond_the_rate_wait_for_the_oldest(counts: InMemory | InRedis) -> None:
    assert [counts.acquire("ada", "3/minute") for _ in range(3)] == [0, 0, 0]
    assert 50 < counts.acquire("ada", "3/minute") <= 60


def test_old_hits_do_not_count(counts: InMemory | InRedis) -> None:
    assert [counts.acquire("ada", "2/second") for _ in range(2)] == [0, 0]
    wait = counts.acquire("ada", "2/second")
    assert wait <= 1
    time.sleep(wait + 0.01)
    assert counts.acquire("ada", "2/second") == 0


def test_rejected_hits_do_not_count(counts: InMemory | InRedis) -> None:
    for _ in range(20):
        counts.acquire("ada", "1/minute;2/hour")
    assert counts.acquire("ada", "1/minute;2/hour") <= 60


def test_the_longest_wait_of_all_rates_counts(counts: InMemory | InRedis) -> None:
    for _ in range(2):
        counts.acquire("ada", "5/minute;2/hour")
    assert counts.acquire("ada", "5/minute;2/hour") > 3500


def test_keys_are_counted_apart(counts: InMemory | InRedis) -> None:
    assert [counts.acquire(key, "1/minute") for key in ("ada", "bob", "a" * 9000, "")] == [0, 0, 0, 0]


def test_redis_stores_no_address_and_its_keys_expire(queue: WorkQueue, queue_server: str) -> None:
    for _ in range(9):
        InRedis(queue_server).acquire("address:203.0.113.5", "3/minute;5/10 minutes")
    [key] = queue.connection.keys("hits:*")
    assert b"203" not in key
    assert queue.connection.llen(key) == 3
    assert 590 < queue.connection.ttl(key) <= 600


def test_redis_that_is_down_raises(tmp_path: Path) -> None:
    with pytest.raises(CountsUnavailable):
        InRedis(f"unix://{tmp_path}/nobody.sock").acquire("ada", "1/minute")


def test_memory_drops_the_least_recently_used_keys() -> None:
    hits, rate = MemorySlidingWindow(max_keys=100), [Rate(1, 60)]
    for number in range(100):
        hits.acquire(str(number), rate)
    assert hits.acquire("0", rate) > 0  # seen again just now
    hits.acquire("one more", rate)
    assert len(hits) == 100
    assert hits.acquire("0", rate) > 0
    assert hits.acquire("1", rate) == 0


def test_cost_per_hit_is_constant() -> None:
    """Count steps of the interpreter, since times vary on busy machines."""
    few, many = MemorySlidingWindow(), MemorySlidingWindow(max_keys=200_000)
    for number in range(200_000):
        many.acquire(str(number), [Rate(5, 60)])
    assert (
        steps_of(lambda: many.acquire("200001", [Rate(5, 60)])) <= steps_of(lambda: few.acquire("1", [Rate(5, 60)])) + 5
    )


def steps_of(call: Callable[[], object]) -> int:
    steps = 0

    def count(*_: Any) -> Any:  # a trace function returns itself
        nonlocal steps
        steps += 1
        return count

    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(None)
    return steps


@pytest.mark.parametrize("words", ["", "30", "30/fortnight", "x/minute", "30/minute,3/hour"])
def test_invalid_rates_are_named(words: str) -> None:
    with pytest.raises(ValueError):
        parse_rates(words)


def test_rates_are_parsed() -> None:
    assert parse_rates("30/minute;20/10 minutes; 1/day") == (Rate(30, 60), Rate(20, 600), Rate(1, 86_400))
