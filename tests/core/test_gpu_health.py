"""Circuit breaker of GPU backends: longer pauses after failures, one probe, then all requests."""

import time

import pytest

from core.errors import TryLater
from core.gpu_health import PROBE_PAUSE, GpuCircuitBreaker, redact_url
from core.queue import WorkQueue, open_queue

ONE, OTHER = "http://one.example", "http://other.example"


@pytest.fixture
def gpu_breaker(queue: WorkQueue) -> GpuCircuitBreaker:
    return GpuCircuitBreaker(queue)


def fail(gpu_breaker: GpuCircuitBreaker, url: str = ONE, after: float = 0.0) -> None:
    gpu_breaker.record_failure(url, code="gpu_down", detail="connection refused", after=after)


def doubt(gpu_breaker: GpuCircuitBreaker, order: int, url: str = ONE) -> None:
    gpu_breaker.record_suspect(url, str(order), code="gpu_failed", detail="status 500")


def end_pauses(gpu_breaker: GpuCircuitBreaker) -> None:
    """End all pauses."""
    assert gpu_breaker.queue is not None
    for pattern in ("gpu-breaker:open:*", "gpu-breaker:all-open"):
        for key in gpu_breaker.queue.connection.scan_iter(pattern):
            gpu_breaker.queue.connection.delete(key)


def test_an_unknown_backend_may_be_called(gpu_breaker: GpuCircuitBreaker) -> None:
    assert [gpu_breaker.retry_after(ONE) for _ in range(3)] == [0, 0, 0]


def test_a_failed_backend_is_open_and_others_stay_closed(gpu_breaker: GpuCircuitBreaker) -> None:
    fail(gpu_breaker)
    assert 4 < gpu_breaker.retry_after(ONE) <= 5
    assert gpu_breaker.retry_after(OTHER) == 0


def test_pauses_triple_up_to_five_minutes_until_a_success(gpu_breaker: GpuCircuitBreaker) -> None:
    pauses = []
    for _ in range(6):
        fail(gpu_breaker)
        pauses.append(round(gpu_breaker.retry_after(ONE)))
        end_pauses(gpu_breaker)
    assert pauses == [5, 15, 45, 135, 300, 300]
    gpu_breaker.record_success(ONE)
    fail(gpu_breaker)
    assert round(gpu_breaker.retry_after(ONE)) == 5


@pytest.mark.parametrize("after", [0.5, 2, 700])
def test_retry_after_of_a_backend_sets_the_pause(gpu_breaker: GpuCircuitBreaker, after: float) -> None:
    fail(gpu_breaker, after=after)
    assert max(1, after) - 1 < gpu_breaker.retry_after(ONE) <= max(1, after)


def test_simultaneous_failures_of_workers_count_once(gpu_breaker: GpuCircuitBreaker) -> None:
    for after in (0, 0, 30, 0):
        fail(gpu_breaker, after=after)
    assert 29 < gpu_breaker.retry_after(ONE) <= 30, "the longest that it asked for counts"
    end_pauses(gpu_breaker)
    fail(gpu_breaker)
    assert round(gpu_breaker.retry_after(ONE)) == 15


def test_one_call_probes_after_the_pause(gpu_breaker: GpuCircuitBreaker) -> None:
    fail(gpu_breaker)
    end_pauses(gpu_breaker)
    assert [gpu_breaker.retry_after(ONE) for _ in range(3)] == [0, PROBE_PAUSE, PROBE_PAUSE]
    gpu_breaker.record_success(ONE)
    assert [gpu_breaker.retry_after(ONE) for _ in range(3)] == [0, 0, 0]


def test_another_call_probes_if_the_first_one_dies(
    gpu_breaker: GpuCircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.gpu_health.breaker.PROBE_SECONDS", 0.05)
    fail(gpu_breaker)
    end_pauses(gpu_breaker)
    assert gpu_breaker.retry_after(ONE) == 0
    time.sleep(0.1)
    assert gpu_breaker.retry_after(ONE) == 0


def test_one_creation_that_fails_everywhere_opens_no_breaker(gpu_breaker: GpuCircuitBreaker) -> None:
    for _ in range(8):
        for url in (ONE, OTHER):
            doubt(gpu_breaker, 7, url)
    assert (gpu_breaker.retry_after(ONE), gpu_breaker.retry_after(OTHER)) == (0, 0)


def test_three_different_failures_in_a_row_open_the_breaker(gpu_breaker: GpuCircuitBreaker) -> None:
    for order in (1, 2):
        doubt(gpu_breaker, order)
    assert gpu_breaker.retry_after(ONE) == 0
    doubt(gpu_breaker, 3)
    assert gpu_breaker.retry_after(ONE) > 0


def test_a_success_resets_the_suspects(gpu_breaker: GpuCircuitBreaker) -> None:
    for order in range(9):
        doubt(gpu_breaker, order)
        doubt(gpu_breaker, order + 100)
        gpu_breaker.record_success(ONE)
    assert gpu_breaker.retry_after(ONE) == 0


def test_a_suspect_probe_lets_the_next_one_probe(gpu_breaker: GpuCircuitBreaker) -> None:
    fail(gpu_breaker)
    end_pauses(gpu_breaker)
    assert gpu_breaker.retry_after(ONE) == 0
    doubt(gpu_breaker, 7)
    assert gpu_breaker.retry_after(ONE) == 0


def test_capacity_is_zero_then_one_then_unlimited(gpu_breaker: GpuCircuitBreaker) -> None:
    assert gpu_breaker.capacity() is None
    fail(gpu_breaker)
    gpu_breaker.open_all(gpu_breaker.open_for(ONE), "gpu_down")
    assert gpu_breaker.capacity() == 0
    end_pauses(gpu_breaker)
    assert gpu_breaker.capacity() == 1
    gpu_breaker.record_success(ONE)
    assert (gpu_breaker.capacity(), gpu_breaker.outage(), gpu_breaker.unhealthy()) == (None, None, [])


def test_an_outage_is_probed_every_five_minutes(gpu_breaker: GpuCircuitBreaker) -> None:
    gpu_breaker.open_all(3600, "gpu_busy")
    away = gpu_breaker.outage()
    assert away is not None
    assert 299 < away.retry_in <= 300


def test_an_outage_keeps_the_time_and_code_of_its_first_failure(gpu_breaker: GpuCircuitBreaker) -> None:
    gpu_breaker.open_all(5, "gpu_down")
    first = gpu_breaker.outage()
    assert first is not None
    time.sleep(0.02)
    gpu_breaker.open_all(15, "")
    later = gpu_breaker.outage()
    assert later is not None
    assert (later.since, later.code) == (first.since, "gpu_down")
    assert 14 < later.retry_in <= 15


def test_unhealthy_backends_are_listed_without_credentials(gpu_breaker: GpuCircuitBreaker) -> None:
    fail(gpu_breaker, "http://user:secret@one.example/x")
    doubt(gpu_breaker, 1, OTHER)
    (backend,) = gpu_breaker.unhealthy()
    assert (backend.url, backend.code, backend.detail) == ("http://one.example/x", "gpu_down", "connection refused")
    assert 4 < backend.retry_in <= 5
    assert redact_url("https://a.example") == "https://a.example"


def test_reset_closes_all_breakers(gpu_breaker: GpuCircuitBreaker) -> None:
    for url in (ONE, OTHER):
        fail(gpu_breaker, url, after=3000)
    gpu_breaker.open_all(3000, "gpu_down")
    gpu_breaker.reset()
    assert [gpu_breaker.retry_after(url) for url in (ONE, OTHER)] == [0, 0]
    assert gpu_breaker.capacity() is None


def test_all_keys_expire(gpu_breaker: GpuCircuitBreaker) -> None:
    fail(gpu_breaker)
    doubt(gpu_breaker, 1)
    gpu_breaker.open_all(5, "gpu_down")
    assert gpu_breaker.queue is not None
    redis = gpu_breaker.queue.connection
    keys = [*redis.scan_iter("gpu-breaker*")]
    assert len(keys) == 7
    assert all(0 < redis.ttl(key) < 3 * 3600 for key in keys)


@pytest.mark.parametrize("queue", [None, open_queue("unix:///nowhere/queue.sock?db=0")])
def test_without_the_queue_every_backend_counts_as_healthy(queue: WorkQueue | None) -> None:
    gpu_breaker = GpuCircuitBreaker(queue)
    fail(gpu_breaker)
    doubt(gpu_breaker, 1)
    gpu_breaker.open_all(5, "gpu_down")
    gpu_breaker.record_success(OTHER)
    assert (gpu_breaker.retry_after(ONE), gpu_breaker.open_for(ONE)) == (0, 0)
    with pytest.raises(TryLater, match="queue_away"):
        gpu_breaker.capacity()
