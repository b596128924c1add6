"""Formatters and cursors."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from core.models import State
from core.text import clip
from gallery import translations
from gallery.views import formatting
from gallery.views.pagination import Cursor, decode_cursor

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "after", [Cursor(NOON, 1), Cursor(NOON, 10**18 - 1), Cursor(datetime(1970, 1, 1, tzinfo=UTC), 1)]
)
def test_cursor_round_trip(after: Any) -> None:
    assert decode_cursor(str(after)) == after


def test_cursor_fits_into_a_url() -> None:
    assert str(Cursor(NOON, 2**60)).replace("-", "").replace("_", "").isalnum()


def test_text_is_clipped_at_a_near_word() -> None:
    assert clip("one two three four", 15) == "one two three…"
    assert clip("x" * 50, 10) == "xxxxxxxxx…"
    assert clip("  one \n two ", 15) == "one two"


def test_times_are_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    assert formatting.format_datetime(elsewhere) == "20 Nov 2026, 12:00 UTC"
    assert formatting.format_iso(elsewhere) == "2026-11-20T12:00:00.123456Z"


@pytest.mark.parametrize(("value", "words"), [(0.04, "under 0.1 seconds"), (1.26, "1.3 seconds"), (75.4, "75 seconds")])
def test_duration_is_rounded(value: Any, words: Any) -> None:
    assert formatting.format_seconds(value) == words


def test_replied_creation_has_no_reason() -> None:
    assert formatting.reason_text(State.REPLIED, None, "answered") is None
    assert formatting.reason_text(State.QUEUED, "gpu_busy", None) is None


def test_unknown_reason_code_is_shown_as_is() -> None:
    assert "strange" in (formatting.reason_text(State.REFUSED, "strange", None) or "")


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (999, "999"), (1000, "1K"), (1249, "1.2K"), (2_500_000, "2.5M")]
)
def test_counts_are_short(number: int, shown: str) -> None:
    assert translations.format_short(number) == shown
