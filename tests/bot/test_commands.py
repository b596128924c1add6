"""Commands, phrases and slips of the finger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.commands import Command, is_small_talk, read_command, read_marked
from bot.intent.language import TABLES, languages
from bot.intent.requests import read_reference, strip_request
from bot.intent.words import Phrases, Utterance, covers, fold, one_edit_apart


@pytest.mark.parametrize(
    ("words", "text", "is_plain"),
    [
        ("remix: a blue fox", "a blue fox", True),
        ("Remix:a blue fox", "a blue fox", True),
        ("REMIX : a blue fox!", "a blue fox!", True),
        ("remix a blue fox", "a blue fox", False),
        ("remix：青い狐", "青い狐", True),
    ],
)
def test_remix_takes_words(words: str, text: str, is_plain: bool) -> None:
    assert read_marked(words) == Command("remix", text, is_plain=is_plain)


def test_remix_alone_is_a_command_too() -> None:
    for words, is_plain in (("remix", False), ("remix!", False), ("remix:", True)):
        assert read_command(Utterance(words)) == Command("remix", is_plain=is_plain)


@pytest.mark.parametrize("words", ["again x", "a fox again", "help me paint a fox", "delete that man", "remixed", ""])
def test_words_around_it_make_it_no_command(words: str) -> None:
    assert read_command(Utterance(words)) is None


@pytest.mark.parametrize(
    ("one", "other"), [("agian", "again"), ("delte", "delete"), ("aagain", "again"), ("agan", "again")]
)
def test_one_slip_of_the_finger_is_one_edit(one: str, other: str) -> None:
    assert one_edit_apart(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("again", "again"), ("gain", "again"), ("smart", "again"), ("agiann", "again")]
)
def test_more_than_that_is_another_word(one: str, other: str) -> None:
    assert not one_edit_apart(one, other)


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("STOPPP", "stop"),
        ("arrête", "arrete"),
        ("don’t", "dont"),
        ("ＳＴＯＰ", "stop"),
        ("más", "más"),
        ("cool", "cool"),
    ],
)
def test_words_are_compared_without_case_accents_and_apostrophes(word: str, folded: str) -> None:
    assert fold(word) == folded


def test_phrases_cover_what_they_are_all_of() -> None:
    said, around = Phrases(["leave me alone"]), Phrases(["please", "me"])
    assert covers(Utterance("please leave me alone, please!").words, said, around)
    assert not covers(Utterance("please me").words, said, around)
    assert not covers(Utterance("leave me alone, said the cat").words, said, around)


def test_every_table_can_be_read_and_names_only_lists_that_are_used() -> None:
    known = set(languages()[0].lists) | {
        "style.into",
        "request.whole",
        "request.ends",
        "request.ends_if_asked",
        "change.keeps",
    }
    assert {path.stem for path in TABLES.glob("*.toml")} == {one.code for one in languages()}
    for language in languages():
        assert set(language.lists) <= known, language.code


@given(st.text(max_size=60))
def test_no_words_make_it_fail(words: str) -> None:
    said = Utterance(words)
    read_command(said)
    read_reference(said)
    strip_request(said)
    is_small_talk(said)
