"""Texts for pictures and rows are cut if they are too long, and cleaned of characters that cannot be stored."""

import pytest

from core.errors import CallsSuspended, GiveUp, OutcomeUnknown, Refused, ThreadpaintError, TryLater
from core.text import alt_text, clean, clip, display_name, tidy

SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
TEXAS = "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f"


def test_a_long_prompt_is_cut_and_the_name_is_preserved() -> None:
    text = alt_text("fox " * 500, "Ada")
    assert 900 < len(text) <= 1000
    assert text.endswith("fox… – prompted by Ada")


def test_a_short_prompt_is_left_alone() -> None:
    assert alt_text("a fox", "Ada") == "a fox – prompted by Ada"


def test_a_very_long_name_is_cut_for_the_prompt() -> None:
    assert alt_text("a fox", "A" * 500).startswith("a fox – prompted by AAA")


def test_characters_that_cannot_be_stored_are_replaced() -> None:
    assert clean("a\0b\ud800c🦊") == "a\ufffdb\ufffdc🦊"


def test_text_is_cut_at_a_word() -> None:
    assert clip("one two three four", 15) == "one two three…"


@pytest.mark.parametrize("kind", [TryLater, OutcomeUnknown, CallsSuspended, Refused, GiveUp])
def test_every_error_text_fits_into_a_row(kind: type[ThreadpaintError]) -> None:
    reason = str(kind("code", "two\nlines \0 \ud800 " + "x" * 5000))
    assert reason.startswith("code: two lines \ufffd \ufffd xxx")
    assert len(reason) == 500


@pytest.mark.parametrize("flag", [SCOTLAND, TEXAS, "\U0001f3f4\u200d\u2620\ufe0f", "🏴", "🇫🇷"])
def test_flags_are_preserved(flag: str) -> None:
    assert tidy(f"a castle with {flag}, {flag}") == f"a castle with {flag}, {flag}"


def test_hidden_tag_characters_are_removed() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all of that")
    end = "\U000e007f"
    assert tidy(f"a fox{hidden}{end} and 🏴{hidden}{end}, a🏴{hidden[:2]}{end}") == "a fox and 🏴, a🏴"


@pytest.mark.parametrize("sign", [SCOTLAND, "👩\u200d🚀", "👍🏽", "e\u0301", "❤\ufe0f"])
def test_a_cut_splits_no_grapheme(sign: str) -> None:
    for limit in range(8, 8 + len(sign)):
        assert clip(f"xxxxxx{sign}yyyyyyyyyyyyyyyy", limit) in {"xxxxxx…"} | {
            f"xxxxxx{sign}{'y' * more}…" for more in range(9)
        }


def test_endless_combining_marks_are_cut() -> None:
    assert len(clip("\u0301" * 500, 50)) == 50


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b\u200b", "\u2060", "\u3164", "\u00ad", "\u2800 \ufe0f", "\u202e", "\u0301", "\U000e0061"]
)
def test_an_invisible_display_name_is_replaced_by_the_handle(name: str) -> None:
    assert display_name(name, "blanche") == "blanche"


@pytest.mark.parametrize("name", ["Ada", "李", "عائشة", "👩\u200d🚀", "e\u0301", "."])
def test_other_names_are_shown(name: str) -> None:
    assert display_name(f" \u202e{name}\u200b", "ada") == name
