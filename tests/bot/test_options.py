"""Test options anywhere in the prompt, and the correction of invalid ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.options import Options, parse_options
from core.generation_limits import ASPECT_RATIOS, MAX_SEED
from gpu.api.contract import PaintRequest


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
        ("a fox --style watercolor", "a fox", Options(style="watercolor")),
        ("a fox --style watercolour", "a fox", Options(style="watercolor")),
        (f"a fox --seed {MAX_SEED}", "a fox", Options(seed=MAX_SEED)),
    ],
)
def test_options_are_parsed(words: str, prompt: str, options: Options) -> None:
    assert parse_options(words) == (prompt, options)


@pytest.mark.parametrize(
    "words", ["a fox -- in snow", "a fox — no people", "a fox—no people", "--", "a fox —red as fire"]
)
def test_dash_in_prose_is_no_option(words: str) -> None:
    assert parse_options(words) == (words, Options())


@pytest.mark.parametrize(
    ("words", "options", "corrections"),
    [
        ("a fox --ar 7:3", Options(aspect_ratio="21:9"), [("ar", "7:3", "21:9")]),
        ("a fox --ar 2:1", Options(aspect_ratio="16:9"), [("ar", "2:1", "16:9")]),
        ("a fox --ar 1024x768", Options(aspect_ratio="4:3"), [("ar", "1024x768", "4:3")]),
        ("a fox --ar 16x9", Options(aspect_ratio="16:9"), []),
        ("a fox --ar 16/9", Options(aspect_ratio="16:9"), []),
        ("a fox --ar16:9", Options(aspect_ratio="16:9"), []),
        ("a fox --aspect 3:2", Options(aspect_ratio="3:2"), []),
        ("a fox --ar square", Options(aspect_ratio="1:1"), []),
        ("a fox --ar", Options(), [("ar", "", "")]),
        ("a fox --ar 0:0", Options(), [("ar", "0:0", "")]),
        ("a fox --n 9", Options(count=4), [("n", "9", "4")]),
        ("a fox --n 0", Options(count=1), [("n", "0", "1")]),
        ("a fox --n -3", Options(count=1), [("n", "-3", "1")]),
        ("a fox --n two", Options(count=2), []),
        ("a fox -n 2", Options(count=2), []),
        ("---n 2 a fox", Options(count=2), []),
        ("a fox --n=9", Options(count=4), [("n", "9", "4")]),
        ("a fox --n " + "9" * 5000, Options(count=4), [("n", "9" * 12, "4")]),
        ("a fox --seed -1", Options(), [("seed", "-1", "")]),
        ("a fox --seed 2147483648", Options(), [("seed", "2147483648", "")]),
        ("a fox --steps 51", Options(steps=50), [("steps", "51", "50")]),
        ("a fox --style vangogh", Options(), [("style", "", "")]),
        ("a fox --style raw --v 7", Options(), [("style", "", ""), ("v", "7", "")]),
        ("a fox --stlye ink", Options(style="ink"), []),
        ("a fox --v 6 --stylize 250", Options(), [("v", "6", ""), ("stylize", "250", "")]),
        ("a fox --v 6.0 --s 250 --chaos 5 --q 2", Options(), [(n, v, "") for n, v in
            (("v", "6.0"), ("s", "250"), ("chaos", "5"), ("q", "2"))]),
        ("a fox --w 512 --h 768 --tile --hd", Options(), [(n, v, "") for n, v in
            (("w", "512"), ("h", "768"), ("tile", ""), ("hd", ""))]),
        ("a fox —v 6", Options(), [("v", "6", "")]),
        ("a fox --no", Options(), [("no", "", "")]),
        ("a fox --foo", Options(), [("?", "", "")]),
        ("a fox --no people --chaos 5", Options(negative="people"), [("chaos", "5", "")]),
    ],
)  # fmt: skip
def test_invalid_value_is_corrected_or_dropped(
    words: str, options: Options, corrections: list[tuple[str, str, str]]
) -> None:
    prompt, found = parse_options(words)
    assert (prompt, found, list(found.corrections)) == ("a fox", options, corrections)


def test_words_after_an_option_without_value_stay_in_the_prompt() -> None:
    assert parse_options("a fox --n lots of hens")[0] == "a fox lots of hens"
    assert parse_options("a fox --with a hat")[0] == "a fox with a hat"


def test_corrections_repeat_only_numbers() -> None:
    found = parse_options("a fox --style something-vile --vile 3 --ar vile")[1]
    assert not any("vile" in part for correction in found.corrections for part in correction)


def test_own_options_override_inherited_ones() -> None:
    inherited = Options(aspect_ratio="16:9", style="ink", negative="people")
    assert Options(aspect_ratio="1:1", count=2).merged_over(inherited) == Options(
        aspect_ratio="1:1", count=2, style="ink", negative="people"
    )


def test_gpu_service_accepts_every_aspect_ratio() -> None:
    for shape in ASPECT_RATIOS:
        asked = PaintRequest(prompt="a fox", aspect_ratio=shape)
        across, down = map(int, str(asked.aspect_ratio).split(":"))
        assert 1 / 3 < across / down < 3


OPTIONS = st.sampled_from(["--ar", "--n", "--no", "--seed", "—style", "--x", "16:9", "2", "ink", "--ar=1:1", "--no="])


@given(st.lists(OPTIONS | st.text(max_size=9), max_size=12))
def test_parsing_never_raises_and_keeps_the_order_of_words(words: list[str]) -> None:
    line = " ".join(words)
    prompt, options = parse_options(line)
    assert options.count in (None, 1, 2, 3, 4)
    rest = iter(line.split())
    assert all(any(word == other.lstrip("-\u2014\u2013") or word == other for other in rest) for word in prompt.split())
