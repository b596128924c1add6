"""How long a painter asks to be left alone: in seconds or until a date, and never for ever. Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.painter.faults import LONGEST_WAIT, Reply, fault_of_reply, seconds_of

ELSEWHEN = datetime(2031, 1, 1, tzinfo=UTC)


def date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_a_date_is_compared_with_the_answers_own_clock() -> None:
    until = date(ELSEWHEN + timedelta(seconds=90))
    assert seconds_of(until, date(ELSEWHEN)) == 90
    assert seconds_of(date(ELSEWHEN), until) == 0


def test_without_a_clock_of_the_answer_ours_counts() -> None:
    assert 80 < seconds_of(date(datetime.now(UTC) + timedelta(seconds=90))) <= 90


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("0", 0), ("9999", 3600), ("9" * 5000, 3600), ("", 0)])
def test_seconds_are_bounded_by_an_hour(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_words_make_it_fail(text: str, at: str) -> None:
    assert 0 <= seconds_of(text, at) <= LONGEST_WAIT


@given(st.integers(100, 599).filter(lambda status: status not in (200, 303, 413, 422)), st.binary(max_size=300))
def test_every_status_has_a_code_and_words_of_ours(status: int, content: bytes) -> None:
    fault = fault_of_reply(Reply(status, content))
    assert fault.code.startswith("gpu_")
    assert 0 < len(fault.detail) < 120
