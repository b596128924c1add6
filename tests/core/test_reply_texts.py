"""What is said on X: never a link, handle or tag, never too long, never the same twice."""

import re

import pytest

from core.refusals import WORDS
from core.reply_texts import SAID, is_wait_notice, wait_text, words_for
from core.x.weighing import harmless, is_valid_length

CODES = sorted({*SAID, *WORDS, "never heard of"})


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words_that_x_takes_and_that_cost_what_words_cost(code: str) -> None:
    said = words_for(code, 10**9)
    assert is_valid_length(said)
    assert harmless(said) == said
    assert not re.search(r"[@#]|https?:", said)


def test_the_same_is_never_said_twice() -> None:
    assert len({words_for("help", number) for number in range(50)}) == 50


def test_help_names_every_command() -> None:
    for word in ("again", "remix", "delete", "stop", "--ar", "--n", "--seed", "--style", "--no"):
        assert word in words_for("help", 1)


def test_a_notice_of_a_wait_is_known_by_its_words() -> None:
    for minutes in (0, 12):
        said = wait_text(minutes, 9)
        assert is_valid_length(said)
        assert harmless(said) == said
        assert is_wait_notice(f"@ada {said}")
    assert not any(is_wait_notice(words_for(code, 9)) for code in CODES)
