"""Options stand anywhere in the prompt; what is none, or has a value that is none, is part of the prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.options import LARGEST_SEED, SHAPES, Options, parse_options
from gpu.web.contract import PaintRequest


@pytest.mark.parametrize(
    ("words", "prompt", "options"),
    [
        ("a fox", "a fox", Options()),
        ("a fox --ar 16:9", "a fox", Options(aspect_ratio="16:9")),
        ("--ar 9:16 a fox", "a fox", Options(aspect_ratio="9:16")),
        ("a --n 3 fox", "a fox", Options(count=3)),
        ("a fox --ar 1:1", "a fox", Options(aspect_ratio="1:1")),
        ("a fox --seed 42 --steps 30 --style ink", "a fox", Options(seed=42, steps=30, style="ink")),
        ("a fox --no people, cars --n 2 at night", "a fox at night", Options(negative="people, cars", count=2)),
        ("a fox --no people and cars", "a fox", Options(negative="people and cars")),
        ("a fox —ar 3:2 –n 2", "a fox", Options(aspect_ratio="3:2", count=2)),
        ("a fox --AR 2:3 --Style Ink", "a fox", Options(aspect_ratio="2:3", style="ink")),
        ("a fox --ar=16:9 --seed=0", "a fox", Options(aspect_ratio="16:9", seed=0)),
        ("a fox --n 2, please", "a fox please", Options(count=2)),
        ("a fox --ar 16:9 --ar 3:2", "a fox", Options(aspect_ratio="3:2")),
        ("a fox --ar １６：９", "a fox", Options(aspect_ratio="16:9")),
        ("a fox --ar 4:5", "a fox", Options(aspect_ratio="4:5")),
        ("a fox --style watercolor", "a fox", Options(style="watercolour")),
        (f"a fox --seed {LARGEST_SEED}", "a fox", Options(seed=LARGEST_SEED)),
    ],
)
def test_it_reads_the_options(words: str, prompt: str, options: Options) -> None:
    assert parse_options(words) == (prompt, options)


@pytest.mark.parametrize(
    "words",
    [
        "a fox --ar 7:5", "a fox --ar", "a fox --n 0", "a fox --n 5", "a fox --n two", "a fox --seed -1",
        "a fox --seed 2147483648", "a fox --steps 51", "a fox --style cubist", "a fox --chaos 5", "a fox --no",
        "a fox -- in snow", "a fox — no people", "a fox—no people", "a fox -n 2", "--",
        "---n 2", "a fox --n " + "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_option_stays_in_the_prompt(words: str) -> None:
    assert parse_options(words) == (words, Options())


def test_an_unknown_option_ends_what_shall_not_be_on_it() -> None:
    assert parse_options("a fox --no people --chaos 5") == ("a fox --chaos 5", Options(negative="people"))


def test_own_options_go_over_inherited_ones() -> None:
    inherited = Options(aspect_ratio="16:9", style="ink", negative="people")
    assert Options(aspect_ratio="1:1", count=2).over(inherited) == Options(
        aspect_ratio="1:1", count=2, style="ink", negative="people"
    )


def test_every_shape_is_one_that_all_painters_take() -> None:
    for shape in SHAPES:
        asked = PaintRequest(prompt="a fox", aspect_ratio=shape)
        across, down = map(int, str(asked.aspect_ratio).split(":"))
        assert 1 / 3 < across / down < 3


OPTIONS = st.sampled_from(["--ar", "--n", "--no", "--seed", "—style", "--x", "16:9", "2", "ink", "--ar=1:1", "--no="])


@given(st.lists(OPTIONS | st.text(max_size=9), max_size=12))
def test_no_words_make_it_fail_and_what_is_left_are_words_of_it_in_their_order(words: list[str]) -> None:
    line = " ".join(words)
    prompt, options = parse_options(line)
    assert options.count in (None, 1, 2, 3, 4)
    rest = iter(line.split())
    assert all(word in rest for word in prompt.split())
