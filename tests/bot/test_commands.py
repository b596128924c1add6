"""A command is the whole of what somebody says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.commands import Command, is_small_talk, read_command, refers_to_parent_post


@pytest.mark.parametrize("words", ["again", "Again!", "AGAIN.", "re-run", "Rerun", "again …", "rerun?"])
def test_again_has_several_names(words: str) -> None:
    assert read_command(words) == Command("again")


@pytest.mark.parametrize(
    ("words", "text", "marked"),
    [
        ("remix: a blue fox", "a blue fox", True),
        ("Remix:a blue fox", "a blue fox", True),
        ("REMIX : a blue fox!", "a blue fox!", True),
        ("remix a blue fox", "a blue fox", False),
        ("remix：青い狐", "青い狐", True),
        ("remix", "", False),
        ("remix!", "", False),
        ("remix:", "", True),
    ],
)
def test_remix_takes_words(words: str, text: str, marked: bool) -> None:
    assert read_command(words) == Command("remix", text, marked)


@pytest.mark.parametrize("name", ["delete", "stop", "start", "help"])
def test_the_others_stand_alone(name: str) -> None:
    assert read_command(f"{name.title()}!") == Command(name)


@pytest.mark.parametrize(
    "words",
    ["again x", "a fox again", "stop it now", "help me paint a fox", "delete that man", "remixed", "a stop sign", ""],
)
def test_words_around_it_make_it_no_command(words: str) -> None:
    assert read_command(words) is None


@pytest.mark.parametrize(
    "words", ["paint this", "Draw this!", "this", "", "mal das", "Dessine ça", "これ描いて", "paint it."]
)
def test_paint_this_means_another_post(words: str) -> None:
    assert refers_to_parent_post(words)


@pytest.mark.parametrize("words", ["paint this house", "a drawing of this", "paint", "draw a fox"])
def test_who_says_more_means_it(words: str) -> None:
    assert refers_to_parent_post(words) == (words == "paint")


@pytest.mark.parametrize(
    "words",
    [
        "thanks",
        "Thank you so much!!",
        "thx 🙏",
        "Danke schön!",
        "ok",
        "Wow…",
        "so nice!",
        "I love this ❤️",
        "ありがとう！",
    ],
)
def test_thanks_and_praise_are_courtesies(words: str) -> None:
    assert is_small_talk(words)


@pytest.mark.parametrize("words", ["", "🙏", "thanksgiving dinner", "thank you card with a fox", "a cool fox", "123"])
def test_who_says_more_than_thanks_means_it(words: str) -> None:
    assert not is_small_talk(words)


@given(st.text(max_size=60))
def test_no_words_make_it_fail(words: str) -> None:
    read_command(words)
    refers_to_parent_post(words)
    is_small_talk(words)
