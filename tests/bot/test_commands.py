"""Test commands, phrases and typos."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.commands import Command, is_small_talk, parse_command, parse_prefixed_command
from bot.intent.language import TABLES, languages
from bot.intent.polite_requests import parse_reference, strip_request
from bot.intent.tokens import Phrases, Utterance, consists_of, is_one_edit_apart, normalize_word


@pytest.mark.parametrize(
    ("words", "text", "is_exact"),
    [
        ("remix: a blue fox", "a blue fox", True),
        ("Remix:a blue fox", "a blue fox", True),
        ("REMIX : a blue fox!", "a blue fox!", True),
        ("remix a blue fox", "a blue fox", False),
        ("remix：青い狐", "青い狐", True),
    ],
)
def test_remix_takes_text(words: str, text: str, is_exact: bool) -> None:
    assert parse_prefixed_command(words) == Command("remix", text, is_exact=is_exact)


def test_remix_alone_is_a_command() -> None:
    for words, is_exact in (("remix", False), ("remix!", False), ("remix:", True)):
        assert parse_command(Utterance(words)) == Command("remix", is_exact=is_exact)


@pytest.mark.parametrize("words", ["again x", "a fox again", "help me paint a fox", "delete that man", "remixed", ""])
def test_other_words_make_it_no_command(words: str) -> None:
    assert parse_command(Utterance(words)) is None


@pytest.mark.parametrize(
    ("word", "target"), [("agian", "again"), ("delte", "delete"), ("aagain", "again"), ("agan", "again")]
)
def test_a_single_typo_is_one_edit(word: str, target: str) -> None:
    assert is_one_edit_apart(word, target)


@pytest.mark.parametrize(
    ("word", "target"), [("again", "again"), ("gain", "again"), ("smart", "again"), ("agiann", "again")]
)
def test_more_than_one_edit_is_another_word(word: str, target: str) -> None:
    assert not is_one_edit_apart(word, target)


@pytest.mark.parametrize(
    ("word", "normalized"),
    [
        ("STOPPP", "stop"),
        ("arrête", "arrete"),
        ("don’t", "dont"),
        ("ＳＴＯＰ", "stop"),
        ("más", "más"),
        ("cool", "cool"),
    ],
)
def test_words_are_compared_without_case_accents_and_apostrophes(word: str, normalized: str) -> None:
    assert normalize_word(word) == normalized


def test_consists_of_needs_one_required_phrase_and_allows_optional_ones() -> None:
    required, optional = Phrases(["leave me alone"]), Phrases(["please", "me"])
    assert consists_of(Utterance("please leave me alone, please!").words, required, optional)
    assert not consists_of(Utterance("please me").words, required, optional)
    assert not consists_of(Utterance("leave me alone, said the cat").words, required, optional)


def test_every_table_has_known_lists_only() -> None:
    known = set(languages()[0].lists) | {
        "style.into",
        "request.complete",
        "request.suffixes",
        "request.suffixes_after_ask",
        "edit.not_prefixes",
    }
    assert {path.stem for path in TABLES.glob("*.toml")} == {language.code for language in languages()}
    for language in languages():
        assert set(language.lists) <= known, language.code


@given(st.text(max_size=60))
def test_parsing_never_raises(words: str) -> None:
    utterance = Utterance(words)
    parse_command(utterance)
    parse_reference(utterance)
    strip_request(utterance)
    is_small_talk(utterance)
