"""Retry-After is read in seconds or as a date, and bounded; every status has a code."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.gpu.errors import MAX_RETRY_AFTER, GpuResponse, error_from_response, parse_retry_after

ELSEWHEN = datetime(2031, 1, 1, tzinfo=UTC)


def date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_a_date_is_compared_with_the_response_date() -> None:
    until = date(ELSEWHEN + timedelta(seconds=90))
    assert parse_retry_after(until, date(ELSEWHEN)) == 90
    assert parse_retry_after(date(ELSEWHEN), until) == 0


def test_without_a_response_date_our_clock_is_used() -> None:
    assert 80 < parse_retry_after(date(datetime.now(UTC) + timedelta(seconds=90))) <= 90


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("0", 0), ("9999", 3600), ("9" * 5000, 3600), ("", 0)])
def test_seconds_are_bounded_by_an_hour(text: str, seconds: float) -> None:
    assert parse_retry_after(text) == seconds


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_parsed_without_an_error(text: str, at: str) -> None:
    assert 0 <= parse_retry_after(text, at) <= MAX_RETRY_AFTER


@given(st.integers(100, 599).filter(lambda status: status not in (200, 303, 413, 422)), st.binary(max_size=300))
def test_every_status_has_a_code_and_a_detail(status: int, content: bytes) -> None:
    fault = error_from_response(GpuResponse(status, content))
    assert fault.code.startswith("gpu_")
    assert 0 < len(fault.detail) < 120
