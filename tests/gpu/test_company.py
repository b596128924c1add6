"""Whether an order waits a moment for others. Given moments, no clock."""

from __future__ import annotations

import pytest

from gpu.batching.company import Company


@pytest.fixture
def company():
    return Company(0.004)


def test_an_order_after_a_pause_goes_at_once(company):
    company.went(10.0)
    company.came(20.0)
    assert company.wait(20.0, 20.0) <= 0


def test_a_caller_who_is_alone_never_waits(company):
    for turn in range(5):
        company.came(turn / 100)
        assert company.wait(turn / 100, turn / 100) <= 0
        company.went(turn / 100 + 0.005)


def test_those_who_were_answered_just_now_are_waited_for(company):
    for _ in range(3):
        company.went(10.0)
    company.came(10.001)
    assert company.wait(10.002, 10.002) == pytest.approx(0.003)
    company.came(10.002)
    company.came(10.003)
    assert company.wait(10.003, 10.003) <= 0, "all are back"


def test_nobody_is_waited_for_longer_than_the_pause_since_the_last_one(company):
    for _ in range(3):
        company.went(10.0)
    company.came(10.002)
    assert company.wait(10.0061, 10.0061) <= 0


def test_those_who_come_one_by_one_do_not_hold_up_the_first_for_long(company):
    for _ in range(20):
        company.went(10.0)
    for moment in (10.003, 10.006, 10.009, 10.012, 10.015):
        company.came(moment)
        assert 0 < company.wait(moment, 10.003) <= 0.004
    company.came(10.018)
    assert company.wait(10.018, 10.003) == pytest.approx(0.001)
    assert company.wait(10.019, 10.003) <= 0


def test_no_patience_means_no_wait():
    company = Company(0.0)
    company.went(10.0)
    company.came(10.0)
    company.went(10.0)
    assert company.wait(10.0, 10.0) <= 0
