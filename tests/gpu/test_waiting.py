"""The fair queue: turns between callers, keys, bounds, cancelling. No thread and no clock."""

from __future__ import annotations

from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.batching.tickets import Ticket
from gpu.batching.waiting import FairQueue
from gpu.engine import Key, Order, Piece


def ticket(caller="", pictures=1, width=64):
    key = Key("text", width, 64, 4, 0.0)
    return Ticket(Order(key, tuple(Piece("sea", seed) for seed in range(pictures)), caller), 0.0)


def fits(pictures):
    return lambda _key: pictures


def filled(*tickets, limit=1000):
    queue = FairQueue(limit)
    for each in tickets:
        queue.add(each)
    return queue


def callers(batch):
    return [each.order.caller for each in batch]


def test_who_comes_first_is_served_first():
    tickets = [ticket(name) for name in "abc"]
    assert filled(*tickets).take(fits(8)) == tickets


def test_an_empty_queue_gives_nothing():
    assert FairQueue(5).take(fits(8)) == []


def test_one_order_is_not_kept_waiting_by_sixty_of_another_caller():
    queue = filled(*(ticket("crowd") for _ in range(60)))
    queue.take(fits(8))
    queue.add(ticket("one"))
    assert "one" in callers(queue.take(fits(8)))


def test_one_order_of_another_size_waits_for_one_batch_of_a_crowd_at_most():
    queue = filled(*(ticket("crowd") for _ in range(60)))
    queue.take(fits(8))
    queue.add(ticket("one", width=128))
    batches = [queue.take(fits(8)) for _ in range(2)]
    assert "one" in callers(batches[0]) + callers(batches[1])


def test_callers_with_many_orders_each_take_turns():
    queue = filled(*(ticket(name) for name in "aaaabbbb"))
    assert callers(queue.take(fits(8))) == list("abababab")


def test_pictures_count_and_not_orders():
    queue = filled(*(ticket("greedy", 4) for _ in range(8)), *(ticket("modest") for _ in range(8)))
    served = Counter()
    for _ in range(10):
        [order] = queue.take(fits(1))
        served[order.order.caller] += order.pictures
    assert abs(served["greedy"] - served["modest"]) <= 4


def test_only_one_key_is_painted_at_once_and_the_next_batch_is_whose_turn_it_is():
    queue = filled(ticket("a"), ticket("b", width=128), ticket("c"), ticket("d", width=128))
    assert [callers(queue.take(fits(8))) for _ in range(2)] == [["a", "c"], ["b", "d"]]


def test_a_key_nobody_else_asks_for_does_not_starve_under_a_steady_stream_of_newcomers():
    queue = filled(*(ticket("crowd", width=128) for _ in range(5)))
    for number in range(16):
        queue.add(ticket(f"early {number}"))
    served = []
    for number in range(200):
        queue.add(ticket(f"newcomer {number}"))
        served += callers(queue.take(fits(1)))
        if served.count("crowd") == 5:
            return
    pytest.fail(f"the crowd was served {served.count('crowd')} times")


def test_an_order_that_does_not_fit_gives_its_room_to_the_next_and_is_first_after():
    big = ticket("b", 4)
    queue = filled(ticket("a", 2), big, ticket("c", 2))
    assert callers(queue.take(fits(4))) == ["a", "c"]
    assert queue.take(fits(4)) == [big]


def test_the_room_in_the_last_slice_of_a_large_order_is_not_wasted():
    queue = filled(ticket("a", 4), *(ticket(name) for name in "bcd"))
    assert callers(queue.take(fits(3))) == ["a", "b", "c"]


def test_room_depends_on_the_key():
    queue = filled(*(ticket(name, width=width) for width in (64, 128) for name in "abc"))
    room = {64: 3, 128: 1}
    sizes = [len(queue.take(lambda key: room[key.width])) for _ in range(4)]
    assert sorted(sizes) == [1, 1, 1, 3]


def test_a_full_queue_has_a_quarter_more_for_callers_with_nothing_waiting():
    queue = filled(*(ticket("crowd") for _ in range(8)), limit=8)
    assert not queue.has_room("crowd")
    for name in ("one", "two"):
        assert queue.has_room(name)
        queue.add(ticket(name))
        assert not queue.has_room(name)
    assert not queue.has_room("three")


def test_even_the_smallest_queue_has_a_place_for_a_newcomer():
    queue = filled(ticket("a"), limit=1)
    assert queue.has_room("b") and not queue.has_room("a")


def test_a_cancelled_order_leaves_at_once_and_its_place_is_free():
    gone = ticket("a")
    queue = filled(gone, limit=1)
    assert queue.remove(gone)
    assert (len(queue), queue.pictures) == (0, 0)
    assert queue.has_room("a") and queue.take(fits(8)) == []
    assert not queue.remove(gone), "it left twice"


def test_cancelled_orders_cost_their_caller_nothing():
    unwanted, wanted = [ticket("a") for _ in range(5)], ticket("a")
    queue = filled(*unwanted, wanted, *(ticket("b") for _ in range(6)))
    for each in unwanted:
        queue.remove(each)
    assert wanted in queue.take(fits(2))


def test_who_cancels_everything_and_comes_again_is_a_newcomer():
    unwanted = [ticket("a", 4) for _ in range(5)]
    queue = filled(*(ticket("b") for _ in range(6)), *unwanted)
    for each in unwanted:
        queue.remove(each)
    again = ticket("a")
    queue.add(again)
    assert again in queue.take(fits(2))


def test_cancelling_does_not_bring_anybody_before_those_who_came_earlier():
    early, unwanted = ticket("early"), ticket("late", 4)
    queue = filled(early, unwanted, ticket("late"))
    queue.remove(unwanted)
    assert queue.take(fits(1)) == [early]


def test_a_refund_brings_nobody_before_the_moment_he_came():
    unwanted, before, late = ticket("a", 4), ticket("c"), ticket("a")
    queue = filled(ticket("b"), unwanted)
    queue.take(fits(1))
    queue.add(before)
    queue.add(late)
    queue.remove(unwanted)
    assert [queue.take(fits(1)) for _ in range(2)] == [[before], [late]]


def test_it_forgets_callers_who_were_served():
    queue = FairQueue(1000)
    queue.add(ticket("stays", width=128))
    for number in range(5000):
        queue.add(ticket(f"caller {number}"))
        queue.add(ticket("stays", width=128))
        queue.take(fits(1))
    while queue.take(fits(1)):
        pass
    assert len(queue._lines) == 0


def test_it_remembers_few_callers_while_others_wait():
    queue = filled(*(ticket(f"waits {number}") for number in range(20)))
    for number in range(5000):
        queue.add(ticket(f"caller {number}"))
        queue.take(fits(1))
    assert len(queue._lines) < 500


def test_callers_who_come_and_cancel_leave_no_trace():
    queue = filled(ticket("waits"))
    for number in range(1000):
        gone = ticket(f"caller {number}")
        queue.add(gone)
        queue.remove(gone)
    assert len(queue._lines) == 1


def test_ten_thousand_waiting_orders_are_all_served():
    queue = FairQueue(10_000)
    for number in range(10_000):
        queue.add(ticket(f"caller {number % 700}", 1 + number % 4, width=64 + 8 * (number % 50)))
    served = 0
    while batch := queue.take(fits(8)):
        served += len(batch)
    assert served == 10_000 and queue.pictures == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abcd"), st.integers(1, 4), st.sampled_from([64, 128, 192])),
        st.tuples(st.just("take"), st.integers(1, 8)),
        st.tuples(st.just("remove"), st.integers(0, 50)),
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_each_order_is_taken_or_removed_once_and_no_batch_is_mixed_or_too_large(steps):
    queue, waiting, gone = FairQueue(1000), [], []
    for name, *values in steps:
        if name == "add":
            waiting.append(ticket(*values))
            queue.add(waiting[-1])
        elif name == "take":
            batch = queue.take(fits(values[0]))
            assert bool(batch) == bool(waiting)
            assert len({each.order.key for each in batch}) <= 1
            assert sum(each.pictures for each in batch) <= max(values[0], -(-4 // values[0]) * values[0])
            for each in batch:
                waiting.remove(each)
            gone += batch
        elif waiting:
            unwanted = waiting.pop(values[0] % len(waiting))
            assert queue.remove(unwanted)
            gone.append(unwanted)
        assert len(queue) == len(waiting)
        assert queue.pictures == sum(each.pictures for each in waiting)
    rest = []
    while batch := queue.take(fits(3)):
        rest += batch
    assert len(gone) == len(set(gone))
    assert set(rest) == set(waiting) and len(rest) == len(waiting)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=60),
    st.lists(st.integers(0, 59), max_size=20),
    st.integers(1, 8),
)
def test_the_orders_of_one_caller_with_one_key_keep_their_order(orders, cancelled, room):
    tickets = [ticket(*order) for order in orders]
    queue = filled(*tickets)
    for number in cancelled:
        if number < len(tickets):
            queue.remove(tickets[number])
    served = deque()
    while batch := queue.take(lambda _key: 1):
        served += batch
    for name in "abc":
        own = [tickets.index(each) for each in served if each.order.caller == name]
        assert own == sorted(own)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=6))
def test_callers_who_always_have_something_waiting_get_as_many_pictures_as_each_other(sizes):
    queue, served = FairQueue(10_000), Counter(dict.fromkeys(range(len(sizes)), 0))
    for number, size in enumerate(sizes):
        for _ in range(200 // size):
            queue.add(ticket(str(number), size))
    for _ in range(50):
        [order] = queue.take(fits(1))
        served[int(order.order.caller)] += order.pictures
    assert max(served.values()) - min(served.values()) <= 4


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.integers(1, 8), st.booleans())
def test_in_batches_too(callers, room, mixed):
    queue, served = FairQueue(10_000), Counter(dict.fromkeys(range(callers), 0))
    for number in range(callers):
        for turn in range(100):
            queue.add(ticket(str(number), width=64 + 64 * (turn % 2 if mixed else 0)))
    for _ in range(10):
        for each in queue.take(fits(room)):
            served[int(each.order.caller)] += 1
    assert max(served.values()) - min(served.values()) <= (room if mixed else 1)
