"""Labels and cursors: plain values in, plain values out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.models import State
from core.text import clip
from gallery import labels
from gallery.keyset import After, read_cursor

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("after", [After(NOON, 1), After(NOON, 10**18 - 1), After(datetime(1970, 1, 1, tzinfo=UTC), 1)])
def test_a_cursor_comes_back_as_it_went(after):
    assert read_cursor(str(after)) == after


def test_a_cursor_fits_into_an_address():
    assert str(After(NOON, 2**60)).replace("-", "").replace("_", "").isalnum()


def test_text_is_cut_at_a_word_where_one_is_near():
    assert clip("one two three four", 15) == "one two three…"
    assert clip("x" * 50, 10) == "xxxxxxxxx…"
    assert clip("  one \n two ", 15) == "one two"


def test_hours_are_told_in_utc():
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    assert labels.hour(elsewhere) == "20 Nov 2026, 12:00 UTC"
    assert labels.iso(elsewhere) == "2026-11-20T12:00:00.123456Z"


@pytest.mark.parametrize(("value", "words"), [(0.04, "under 0.1 seconds"), (1.26, "1.3 seconds"), (75.4, "75 seconds")])
def test_painting_time_is_no_more_exact_than_anybody_cares(value, words):
    assert labels.seconds(value) == words


def test_an_answered_creation_needs_no_reason():
    assert labels.reason(State.REPLIED, None, "answered") is None
    assert labels.reason(State.QUEUED, "gpu_busy", None) is None


def test_an_unknown_reason_is_shown_as_it_is():
    assert "strange" in labels.reason(State.REFUSED, "strange", None)
