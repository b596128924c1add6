"""Counting what was done lately: exact, bounded, the same in memory and in Redis, at the same cost for any number."""

import asyncio
import time

import pytest

from core.recent_hits import CountsAway, MemoryHits, Rate, RedisHits, rates_of


class InMemory:
    def __init__(self):
        self.hits = MemoryHits()

    def take(self, key, words):
        return self.hits.take(key, rates_of(words))


class InRedis:
    def __init__(self, url):
        self.url = url

    def take(self, key, words):
        async def ask():
            hits = RedisHits(self.url, "hits")
            try:
                return await hits.take(key, rates_of(words))
            finally:
                await hits.close()

        return asyncio.run(ask())


@pytest.fixture(params=["memory", "redis"])
def counts(request):
    if request.param == "memory":
        return InMemory()
    request.getfixturevalue("queue")
    return InRedis(request.getfixturevalue("queue_server"))


def test_after_so_many_one_has_to_wait_until_the_first_is_past(counts):
    assert [counts.take("ada", "3/minute") for _ in range(3)] == [0, 0, 0]
    assert 50 < counts.take("ada", "3/minute") <= 60


def test_what_is_past_does_not_count(counts):
    assert [counts.take("ada", "2/second") for _ in range(2)] == [0, 0]
    wait = counts.take("ada", "2/second")
    assert wait <= 1
    time.sleep(wait + 0.01)
    assert counts.take("ada", "2/second") == 0


def test_who_has_to_wait_is_not_counted(counts):
    for _ in range(20):
        counts.take("ada", "1/minute;2/hour")
    assert counts.take("ada", "1/minute;2/hour") <= 60


def test_the_longest_wait_of_all_rates_counts(counts):
    for _ in range(2):
        counts.take("ada", "5/minute;2/hour")
    assert counts.take("ada", "5/minute;2/hour") > 3500


def test_everybody_is_counted_alone(counts):
    assert [counts.take(who, "1/minute") for who in ("ada", "bob", "a" * 9000, "")] == [0, 0, 0, 0]


def test_redis_keeps_no_address_and_nothing_for_longer_than_needed(queue, queue_server):
    for _ in range(9):
        InRedis(queue_server).take("address:203.0.113.5", "3/minute;5/10 minutes")
    [key] = queue.connection.keys("hits:*")
    assert b"203" not in key
    assert queue.connection.llen(key) == 3
    assert 590 < queue.connection.ttl(key) <= 600


def test_redis_that_is_away_says_so(tmp_path):
    with pytest.raises(CountsAway):
        InRedis(f"unix://{tmp_path}/nobody.sock").take("ada", "1/minute")


def test_memory_drops_those_who_were_seen_longest_ago():
    hits, rate = MemoryHits(max_keys=100), [Rate(1, 60)]
    for number in range(100):
        hits.take(str(number), rate)
    assert hits.take("0", rate) > 0  # seen again just now
    hits.take("one more", rate)
    assert len(hits) == 100
    assert hits.take("0", rate) > 0
    assert hits.take("1", rate) == 0


def test_a_million_callers_cost_no_more_than_a_few():
    """Counted in steps of the interpreter, not in time: the tests run on busy machines."""
    few, many = MemoryHits(), MemoryHits(max_keys=200_000)
    for number in range(200_000):
        many.take(str(number), [Rate(5, 60)])
    assert steps_of(lambda: many.take("200001", [Rate(5, 60)])) <= steps_of(lambda: few.take("1", [Rate(5, 60)])) + 5


def steps_of(doing):
    import sys

    steps = 0

    def count(*_):
        nonlocal steps
        steps += 1
        return count

    sys.settrace(count)
    try:
        doing()
    finally:
        sys.settrace(None)
    return steps


@pytest.mark.parametrize("words", ["", "30", "30/fortnight", "x/minute", "30/minute,3/hour"])
def test_words_that_are_no_rate_are_named(words):
    with pytest.raises(ValueError):
        rates_of(words)


def test_rates_in_words():
    assert rates_of("30/minute;20/10 minutes; 1/day") == (Rate(30, 60), Rate(20, 600), Rate(1, 86_400))
