"""Texts of replies on X have no link, handle or tag, are short enough, and differ from each other."""

import re

import pytest

from core.reason_codes import MESSAGES
from core.reply_texts import REPLY_TEXTS, is_wait_notice, reply_text_for, wait_notice_text
from core.twittertext.length import is_valid_length, strip_entities

CODES = sorted({*REPLY_TEXTS, *MESSAGES, "never heard of"})


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_valid_reply_text_without_entities(code: str) -> None:
    text = reply_text_for(code, 10**9)
    assert is_valid_length(text)
    assert strip_entities(text) == text
    assert not re.search(r"[@#]|https?:", text)


def test_reply_texts_differ_per_creation() -> None:
    assert len({reply_text_for("help", number) for number in range(50)}) == 50


def test_help_names_every_command() -> None:
    for word in ("again", "remix", "delete", "stop", "--ar", "--n", "--seed", "--style", "--no"):
        assert word in reply_text_for("help", 1)


def test_a_wait_notice_is_recognized_by_its_text() -> None:
    for minutes in (0, 12):
        text = wait_notice_text(minutes, 9)
        assert is_valid_length(text)
        assert strip_entities(text) == text
        assert is_wait_notice(f"@ada {text}")
    assert not any(is_wait_notice(reply_text_for(code, 9)) for code in CODES)
