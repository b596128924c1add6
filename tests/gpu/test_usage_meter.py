"""The usage meter: every second belongs to a batch or is idle, and none counts twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.batching.usage_meter import DeviceTime, UsageMeter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> Any:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Any:
    return Clock()


def test_a_batch_gets_the_time_it_used_the_device(clock: Any) -> None:
    meter, use = UsageMeter(clock=clock), DeviceTime()
    with meter.measure(use):
        clock.passes(2)
    clock.passes(5)
    with meter.measure(use):
        clock.passes(1)
    assert use.seconds == pytest.approx(3)


def test_loading_and_pauses_are_idle_and_the_tail_comes_first(clock: Any) -> None:
    meter, use = UsageMeter(tail=120, clock=clock), DeviceTime()
    clock.passes(30)
    with meter.measure(use):
        clock.passes(2)
    assert meter.take_idle() == pytest.approx(150)
    clock.passes(7)
    assert meter.take_idle() == pytest.approx(7), "the tail was paid twice"


def test_two_batches_at_once_share_the_time(clock: Any) -> None:
    meter, checked, painted = UsageMeter(clock=clock), DeviceTime(), DeviceTime()
    with meter.measure(painted):
        clock.passes(1)
        with meter.measure(checked):
            clock.passes(4)
        clock.passes(2)
    assert [painted.seconds, checked.seconds] == pytest.approx([5, 2])
    assert meter.take_idle() == 0


def test_the_time_of_a_failed_batch_is_idle(clock: Any) -> None:
    meter, use = UsageMeter(clock=clock), DeviceTime()
    with pytest.raises(ValueError), meter.measure(use):
        clock.passes(3)
        raise ValueError
    meter.refund(use.seconds)
    assert meter.take_idle() == pytest.approx(3)


def test_a_restored_snapshot_starts_a_new_life(clock: Any) -> None:
    meter = UsageMeter(tail=60, clock=clock)
    clock.passes(1e6)
    meter.begin_life()
    clock.passes(1)
    assert meter.take_idle() == pytest.approx(61)


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "end", "answer", "fail"]), st.integers(0, 3), st.floats(0, 100)), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.floats(0, 300))
def test_shares_and_idle_time_equal_life_and_tail(steps: list[Any], tail: Any) -> None:
    clock = Clock()
    meter, began = UsageMeter(tail=tail, clock=clock), clock.now
    uses, held, given = [DeviceTime() for _ in range(4)], {}, 0.0
    for name, number, pause in steps:
        clock.passes(pause)
        if name == "begin" and number not in held:
            held[number] = meter.measure(uses[number])
            held[number].__enter__()
        elif name == "end" and number in held:
            held.pop(number).__exit__(None, None, None)
        elif number not in held:
            if name == "answer":
                given += uses[number].seconds + meter.take_idle()
            else:
                meter.refund(uses[number].seconds)
            uses[number] = DeviceTime()
    for each in held.values():
        each.__exit__(None, None, None)
    given += sum(use.seconds for use in uses) + meter.take_idle()
    assert given == pytest.approx(clock.now - began + tail)
