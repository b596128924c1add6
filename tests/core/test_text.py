"""Words for pictures and for rows: cut where they are too long, clean of what nobody can keep."""

import pytest

from core.errors import GiveUp, HouseError, OutcomeUnknown, OutOfFunds, Refused, TryLater
from core.text import alt_text, clean, clip, display_name, tidy

SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
TEXAS = "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f"


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


@pytest.mark.parametrize("flag", [SCOTLAND, TEXAS, "\U0001f3f4\u200d\u2620\ufe0f", "🏴", "🇫🇷"])
def test_flags_stay_what_they_are(flag: str) -> None:
    assert tidy(f"a castle with {flag}, {flag}") == f"a castle with {flag}, {flag}"


def test_tags_hide_no_words_behind_other_signs() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all of that")
    end = "\U000e007f"
    assert tidy(f"a fox{hidden}{end} and 🏴{hidden}{end}, a🏴{hidden[:2]}{end}") == "a fox and 🏴, a🏴"


@pytest.mark.parametrize("sign", [SCOTLAND, "👩\u200d🚀", "👍🏽", "e\u0301", "❤\ufe0f"])
def test_a_cut_splits_no_sign(sign: str) -> None:
    for limit in range(8, 8 + len(sign)):
        assert clip(f"xxxxxx{sign}yyyyyyyyyyyyyyyy", limit) in {"xxxxxx…"} | {
            f"xxxxxx{sign}{'y' * more}…" for more in range(9)
        }


def test_marks_without_end_are_cut_all_the_same() -> None:
    assert len(clip("\u0301" * 500, 50)) == 50


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b\u200b", "\u2060", "\u3164", "\u00ad", "\u2800 \ufe0f", "\u202e", "\u0301", "\U000e0061"]
)
def test_a_name_that_nobody_sees_falls_back_to_the_handle(name: str) -> None:
    assert display_name(name, "blanche") == "blanche"


@pytest.mark.parametrize("name", ["Ada", "李", "عائشة", "👩\u200d🚀", "e\u0301", "."])
def test_other_names_are_shown(name: str) -> None:
    assert display_name(f" \u202e{name}\u200b", "ada") == name
