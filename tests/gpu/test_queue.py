"""The request queue: order, batches by key, limits, cancelling, and the gathering window."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.batching.pending_request import PendingRequest
from gpu.batching.queue import MaxImages, RequestQueue
from gpu.engine import BatchKey, GenerationRequest, ImageRequest


def pending(images: int = 1, width: int = 64, queued_at: float = 0.0) -> PendingRequest:
    key = BatchKey("text", width, 64, 4, 0.0)
    requests = tuple(ImageRequest("sea", seed) for seed in range(images))
    return PendingRequest(GenerationRequest(key, requests), queued_at)


def at_most(images: int) -> MaxImages:
    return lambda _key: images


def queue_of(*requests: PendingRequest, limit: int = 1000, gather_seconds: float = 0.004) -> RequestQueue:
    queue = RequestQueue(limit, gather_seconds)
    for request in requests:
        queue.add(request)
    return queue


def test_requests_are_taken_in_order_of_arrival() -> None:
    requests = [pending() for _ in range(3)]
    assert queue_of(*requests).take_batch(at_most(8)) == requests


def test_an_empty_queue_has_no_batch() -> None:
    assert queue_of().take_batch(at_most(8)) == []


def test_a_batch_has_one_key_and_the_oldest_request_decides_which() -> None:
    a, b = pending(queued_at=1), pending(width=128, queued_at=2)
    c, d = pending(queued_at=3), pending(width=128, queued_at=4)
    queue = queue_of(a, b, c, d)
    assert [queue.take_batch(at_most(8)) for _ in range(2)] == [[a, c], [b, d]]


def test_a_rare_key_does_not_starve_under_a_steady_stream() -> None:
    rare = pending(width=128, queued_at=0.5)
    queue = queue_of(pending(queued_at=0), rare)
    for moment in range(1, 4):
        queue.add(pending(queued_at=moment))
        if rare in queue.take_batch(at_most(1)):
            return
    pytest.fail("it was not taken")


def test_a_request_that_does_not_fit_leaves_its_room_to_the_next_and_is_first_after() -> None:
    first, large, third = pending(2), pending(4), pending(2)
    queue = queue_of(first, large, third)
    assert queue.take_batch(at_most(4)) == [first, third]
    assert queue.take_batch(at_most(4)) == [large]


def test_the_last_slice_of_a_large_request_has_room_for_others() -> None:
    large, second, third, fourth = pending(4), pending(), pending(), pending()
    assert queue_of(large, second, third, fourth).take_batch(at_most(3)) == [large, second, third]


def test_the_batch_size_depends_on_the_key() -> None:
    queue = queue_of(*(pending(width=width) for width in (64, 128) for _ in range(3)))
    limits = {64: 3, 128: 1}
    sizes = [len(queue.take_batch(lambda key: limits[key.width])) for _ in range(4)]
    assert sorted(sizes) == [1, 1, 1, 3]


def test_a_queue_is_full_at_its_limit() -> None:
    queue = queue_of(pending(), limit=2)
    assert not queue.is_full
    queue.add(pending())
    assert queue.is_full


def test_a_cancelled_request_leaves_at_once_and_frees_its_place() -> None:
    cancelled = pending()
    queue = queue_of(cancelled, limit=1)
    assert queue.remove(cancelled)
    assert (len(queue), queue.image_count, queue.is_full) == (0, 0, False)
    assert queue.take_batch(at_most(8)) == []
    assert not queue.remove(cancelled), "it left twice"


def test_clearing_returns_all_requests() -> None:
    requests = {pending(), pending(width=128)}
    queue = queue_of(*requests)
    assert set(queue.clear()) == requests
    assert (len(queue), queue.image_count) == (0, 0)


def test_ten_thousand_waiting_requests_are_all_taken() -> None:
    queue = queue_of(*(pending(1 + number % 4, width=64 + 8 * (number % 50)) for number in range(10_000)))
    taken = 0
    while batch := queue.take_batch(at_most(8)):
        taken += len(batch)
    assert taken == 10_000 and queue.image_count == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 4), st.sampled_from([64, 128, 192])),
        st.tuples(st.just("take"), st.integers(1, 8), st.just(0)),
        st.tuples(st.just("remove"), st.integers(0, 50), st.just(0)),
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_each_request_is_taken_or_removed_once_and_no_batch_is_mixed_or_too_large(
    steps: list[tuple[str, int, int]],
) -> None:
    queue, waiting, gone = queue_of(), list[PendingRequest](), list[PendingRequest]()
    for number, (name, value, width) in enumerate(steps):
        if name == "add":
            waiting.append(pending(value, width, queued_at=number))
            queue.add(waiting[-1])
        elif name == "take":
            batch = queue.take_batch(at_most(value))
            assert batch[:1] == waiting[:1], "the oldest request is first"
            assert len({request.request.key for request in batch}) <= 1
            assert sum(request.image_count for request in batch) <= max(value, -(-4 // value) * value)
            waiting = [request for request in waiting if request not in batch]
            gone += batch
        elif waiting:
            cancelled = waiting.pop(value % len(waiting))
            assert queue.remove(cancelled)
            gone.append(cancelled)
        assert len(queue) == len(waiting)
        assert queue.image_count == sum(request.image_count for request in waiting)
    assert len(gone) == len(set(gone))
    assert set(queue.clear()) == set(waiting)


def gather(queue: RequestQueue, now: float, started: float, batch: int = 8) -> float:
    return queue.gather_time(now, started, at_most(batch))


def test_a_request_after_a_pause_starts_at_once() -> None:
    queue = queue_of()
    queue.record_answers(3, 10.0)
    queue.add(pending(queued_at=20.0))
    assert gather(queue, 20.0, 20.0) <= 0


def test_a_single_caller_never_waits() -> None:
    queue = queue_of()
    for turn in range(5):
        queue.add(pending(queued_at=turn / 100))
        assert gather(queue, turn / 100, turn / 100) <= 0
        queue.take_batch(at_most(8))
        queue.record_answers(1, turn / 100 + 0.005)


def test_a_batch_waits_for_the_callers_who_were_answered_just_now() -> None:
    queue = queue_of()
    queue.record_answers(3, 10.0)
    queue.add(pending(queued_at=10.001))
    assert gather(queue, 10.002, 10.002) == pytest.approx(0.003)
    queue.add(pending(queued_at=10.002))
    queue.add(pending(queued_at=10.003))
    assert gather(queue, 10.003, 10.003) <= 0, "all are back"


def test_answers_of_two_batches_add_up() -> None:
    queue = queue_of()
    queue.record_answers(1, 10.0)
    queue.record_answers(1, 10.001)
    queue.add(pending(queued_at=10.002))
    assert gather(queue, 10.002, 10.002) > 0


def test_a_full_batch_does_not_wait() -> None:
    queue = queue_of()
    queue.record_answers(9, 10.0)
    queue.add(pending(4, queued_at=10.001))
    assert gather(queue, 10.001, 10.001, batch=4) <= 0


def test_the_wait_ends_a_window_after_the_last_arrival() -> None:
    queue = queue_of()
    queue.record_answers(3, 10.0)
    queue.add(pending(queued_at=10.002))
    assert gather(queue, 10.0061, 10.0061) <= 0


def test_arrivals_one_by_one_do_not_delay_the_first_for_long() -> None:
    queue = queue_of()
    queue.record_answers(30, 10.0)
    for moment in (10.003, 10.006, 10.009, 10.012, 10.015):
        queue.add(pending(queued_at=moment))
        assert 0 < gather(queue, moment, 10.003) <= 0.004
    queue.add(pending(queued_at=10.018))
    assert gather(queue, 10.018, 10.003) == pytest.approx(0.001)
    assert gather(queue, 10.019, 10.003) <= 0


def test_no_window_means_no_wait() -> None:
    queue = queue_of(gather_seconds=0.0)
    queue.record_answers(2, 10.0)
    queue.add(pending(queued_at=10.0))
    assert gather(queue, 10.0, 10.0) <= 0
