"""Words for pictures and for rows: cut where they are too long, clean of what nobody can keep."""

import pytest

from core.errors import GiveUp, HouseError, OutcomeUnknown, OutOfFunds, Refused, TryLater
from core.text import alt_text, clean, clip


def test_a_long_prompt_is_cut_and_the_name_is_not() -> None:
    text = alt_text("fox " * 500, "Ada")
    assert 900 < len(text) <= 1000
    assert text.endswith("fox… – prompted by Ada")


def test_a_short_prompt_is_left_alone() -> None:
    assert alt_text("a fox", "Ada") == "a fox – prompted by Ada"


def test_a_very_long_name_leaves_room_for_the_prompt() -> None:
    assert alt_text("a fox", "A" * 500).startswith("a fox – prompted by AAA")


def test_what_nobody_can_keep_is_replaced_one_for_one() -> None:
    assert clean("a\0b\ud800c🦊") == "a\ufffdb\ufffdc🦊"


def test_it_cuts_at_a_word_where_there_is_one_near() -> None:
    assert clip("one two three four", 15) == "one two three…"


@pytest.mark.parametrize("kind", [TryLater, OutcomeUnknown, OutOfFunds, Refused, GiveUp])
def test_every_reason_fits_into_a_row(kind: type[HouseError]) -> None:
    reason = str(kind("code", "two\nlines \0 \ud800 " + "x" * 5000))
    assert reason.startswith("code: two lines \ufffd \ufffd xxx")
    assert len(reason) == 500
