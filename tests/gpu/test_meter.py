"""The meter: every second of a machine's life is somebody's or nobody's, and none is counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.batching.meter import Meter, Use


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def test_a_batch_has_the_time_it_held_the_device(clock):
    meter, use = Meter(clock=clock), Use()
    with meter.held(use):
        clock.passes(2)
    clock.passes(5)
    with meter.held(use):
        clock.passes(1)
    assert use.seconds == pytest.approx(3)


def test_loading_and_pauses_are_idle_and_the_tail_is_paid_up_front(clock):
    meter, use = Meter(tail=120, clock=clock), Use()
    clock.passes(30)
    with meter.held(use):
        clock.passes(2)
    assert meter.take_idle() == pytest.approx(150)
    clock.passes(7)
    assert meter.take_idle() == pytest.approx(7), "the tail was paid twice"


def test_two_batches_at_once_share_the_time(clock):
    meter, checked, painted = Meter(clock=clock), Use(), Use()
    with meter.held(painted):
        clock.passes(1)
        with meter.held(checked):
            clock.passes(4)
        clock.passes(2)
    assert (painted.seconds, checked.seconds) == (pytest.approx(5), pytest.approx(2))
    assert meter.take_idle() == 0


def test_what_a_failed_batch_took_is_nobodys(clock):
    meter, use = Meter(clock=clock), Use()
    with pytest.raises(ValueError), meter.held(use):
        clock.passes(3)
        raise ValueError
    meter.give_back(use.seconds)
    assert meter.take_idle() == pytest.approx(3)


def test_a_machine_restored_from_a_snapshot_did_not_live_before(clock):
    meter = Meter(tail=60, clock=clock)
    clock.passes(1e6)
    meter.begin_life()
    clock.passes(1)
    assert meter.take_idle() == pytest.approx(61)


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "end", "answer", "fail"]), st.integers(0, 3), st.floats(0, 100)), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.floats(0, 300))
def test_shares_and_idle_time_are_life_and_tail_whatever_happens(steps, tail):
    clock = Clock()
    meter, began = Meter(tail=tail, clock=clock), clock.now
    uses, held, given = [Use() for _ in range(4)], {}, 0.0
    for name, number, pause in steps:
        clock.passes(pause)
        if name == "begin" and number not in held:
            held[number] = meter.held(uses[number])
            held[number].__enter__()
        elif name == "end" and number in held:
            held.pop(number).__exit__(None, None, None)
        elif number not in held:
            if name == "answer":
                given += uses[number].seconds + meter.take_idle()
            else:
                meter.give_back(uses[number].seconds)
            uses[number] = Use()
    for each in held.values():
        each.__exit__(None, None, None)
    given += sum(use.seconds for use in uses) + meter.take_idle()
    assert given == pytest.approx(clock.now - began + tail)
