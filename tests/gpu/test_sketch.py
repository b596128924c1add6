"""The sketch engine: deterministic, different for each prompt and seed, true to known words."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.styles import STYLES, apply_style
from gpu.engine import BatchKey, ImageRequest
from gpu.sketch.animals import places
from gpu.sketch.canvas import Canvas
from gpu.sketch.engine import SketchEngine
from gpu.sketch.picture import sketch
from gpu.sketch.plants import POPPY, SUNFLOWER
from gpu.sketch.prompt_parser import parse_prompt
from gpu.sketch.vocabulary import COLORS, NOUNS
from sandbox.samples import SAMPLES, Sample

NOUN_GROUPS = sorted(set(NOUNS.values()))
ABSTRACT = [
    "bias", "infinity", "42", "imaginary numbers", "the meaning of life", "fairness", "кошка", "猫と海", "🦄", "...",
    "inertia", "42!",
]  # fmt: skip


def pixels(image: Image.Image) -> Any:
    return np.asarray(image, np.int16)


def distance(one: Image.Image, other: Image.Image) -> Any:
    """Return the mean difference of a channel, 0..255, at thumbnail size."""
    small = [pixels(image.resize((32, 32), Image.Resampling.BOX)) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize("prompt", ["a red house by the sea", "imaginary numbers", "a starry night", "🎨"])
def test_the_same_prompt_seed_and_size_give_the_same_pixels(prompt: str) -> None:
    assert sketch(prompt, 7, 128, 96).tobytes() == sketch(prompt, 7, 128, 96).tobytes()


def test_another_process_paints_the_same_pixels() -> None:
    code = "import hashlib;from gpu.sketch.picture import sketch;"
    code += "print(hashlib.md5(sketch('a cat, a boat and the moon', 7, 128, 128).tobytes()).hexdigest())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != ""


@pytest.mark.parametrize("prompt", ["a city at night", "imaginary numbers", "a black cat", "sunset over the sea"])
def test_another_seed_is_another_variation(prompt: str) -> None:
    one, other = sketch(prompt, 1, 128, 128), sketch(prompt, 2, 128, 128)
    assert distance(one, other) > 3


def test_different_prompts_look_different() -> None:
    prompts = ["a sea", "a forest", "a city at night", "a cat", "a red rose", "the desert", "a galaxy", *ABSTRACT[:6]]
    shots = {prompt: sketch(prompt, 1, 96, 96) for prompt in prompts}
    for one, other in combinations(prompts, 2):
        assert distance(shots[one], shots[other]) > 8, (one, other)


def test_abstract_prompts_come_in_many_styles_and_colors() -> None:
    shots = [sketch(prompt, 1, 96, 96) for prompt in ABSTRACT]
    assert min(distance(one, other) for one, other in combinations(shots, 2)) > 5


@pytest.mark.parametrize("noun", NOUN_GROUPS)
def test_every_noun_it_knows_changes_the_picture(noun: str) -> None:
    with_noun = sketch(f"zzz {noun}", 5, 96, 96)
    assert noun in parse_prompt(f"zzz {noun}").nouns
    assert distance(with_noun, sketch("zzz", 5, 96, 96)) > 5


@pytest.mark.parametrize(("word", "noun"), [("ocean", "sea"), ("Kittens", "cat"), ("CITIES", "city"), ("🌊", "sea")])
def test_it_knows_synonyms_plurals_and_some_emoji(word: str, noun: str) -> None:
    assert noun in parse_prompt(f"two {word}!").nouns


def test_a_number_says_how_many() -> None:
    assert parse_prompt("three cats").nouns["cat"] == 3
    assert parse_prompt("a cat").nouns["cat"] == 1
    assert parse_prompt("a flock of birds").nouns["bird"] == 3
    assert parse_prompt("a village").nouns["house"] == 3


def test_a_color_belongs_to_the_next_noun() -> None:
    reading = parse_prompt("a red house under a blue sky with a black cat")
    assert reading.tints["house"] == COLORS["red"]
    assert reading.tints["cat"] == COLORS["black"]


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_named_color_prevails(colour: str, channel: int) -> None:
    mean = pixels(sketch(f"{colour} hills", 3, 96, 96)).mean(axis=(0, 1))
    other = pixels(sketch("hills", 3, 96, 96)).mean(axis=(0, 1))
    assert mean[channel] / mean.sum() > other[channel] / other.sum()


def test_a_color_of_the_weather_is_the_color_of_the_picture() -> None:
    red, green, blue = pixels(sketch("purple rain", 1, 96, 96)).mean(axis=(0, 1))
    assert green < red and green < blue


def test_night_is_darker_than_day() -> None:
    assert pixels(sketch("hills at night", 1, 96, 96)).mean() + 60 < pixels(sketch("hills in summer", 1, 96, 96)).mean()


@pytest.mark.parametrize("size", [(64, 64), (64, 1536), (1536, 64), (512, 768), (1032, 520)])
def test_every_supported_size_works(size: tuple[int, int]) -> None:
    for prompt in ("a whale, a castle, a rainbow and five fish in the sea", "entropy"):
        assert sketch(prompt, 1, *size).size == size


@pytest.mark.parametrize("number", range(27))
def test_every_abstract_style_is_generated_in_every_shape(number: int) -> None:
    for size in ((64, 192), (192, 64)):
        image = sketch(f"nothing {number}", number, *size)
        assert pixels(image).std() > 5


@pytest.mark.parametrize(
    "prompt", ["", " ", "\x00", "\ud800", "a" * 4000, "sea " * 1000, "🌊" * 4000, "\u202e", "%s{}"]
)
def test_any_text_gives_a_picture(prompt: str) -> None:
    assert sketch(prompt, 2**63 - 1, 64, 64).mode == "RGB"


def test_the_picture_is_marked_as_a_sketch() -> None:
    plain = pixels(sketch("bias", 1, 512, 512))[-30:, -70:]
    assert np.abs(np.diff(plain.mean(axis=2), axis=1)).max() > 25, "no letters in the corner"


def test_strength_decides_the_distance_from_the_init_image() -> None:
    start = Image.radial_gradient("L").resize((128, 128)).convert("RGB")
    weak, strong = (sketch("a red forest", 1, 128, 128, init_image=start, strength=strength) for strength in (0.2, 1.0))
    own = sketch("a red forest", 1, 128, 128)
    assert 0 < distance(weak, start) < distance(strong, start)
    assert distance(strong, own) < distance(weak, own)


def test_the_engine_returns_images_in_order() -> None:
    engine = SketchEngine()
    engine.load()
    results = engine.generate(BatchKey("text", 64, 64, 4, 0.0), [ImageRequest("a sea", 1), ImageRequest("a cat", 2)])
    assert results[1].image.tobytes() == sketch("a cat", 2, 64, 64).tobytes()
    start = Image.new("RGB", (64, 64), "red")
    assert engine.generate(BatchKey("image", 64, 64, 4, 0.0, 0.5), [ImageRequest("a sea", 1, init_image=start)])[
        0
    ].image.size == (64, 64)


@pytest.mark.parametrize("prompt", ["a red fox in the snow", "🦊", "two FOXES at night", "a fox, a dog and a cat"])
def test_a_requested_fox_is_drawn(prompt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = sketch(prompt, 1, 128, 128).tobytes()
    monkeypatch.setattr("gpu.sketch.animals.foxes", lambda *_, **__: None)
    assert sketch(prompt, 1, 128, 128).tobytes() != with_it


def test_tails_stay_inside_the_picture() -> None:
    for kind, lean, left, right in (("cat", 0.15, -0.3, 0.6), ("dog", -0.06, -0.5, 0.36), ("fox", 0.17, -0.31, 0.65)):
        for seed in range(20):
            canvas = Canvas(512, 512, np.random.default_rng(seed))
            for x, size, flip in places(canvas, 2, (0.0, 1.0), lean):
                ends = (x - left * size, x - right * size) if flip else (x + left * size, x + right * size)
                assert min(ends) > -6 and max(ends) < 518, kind


@pytest.mark.parametrize("size", [(64, 64), (1536, 64), (64, 1536)])
def test_every_noun_works_at_the_smallest_sizes(size: tuple[int, int]) -> None:
    for seed, noun in enumerate(sorted(set(NOUNS.values()))):
        assert sketch(noun, seed, *size).size == size
        assert sketch(f"three red {noun}s on a stormy night", seed, *size).size == size


def share_of(image: Image.Image, near: tuple[int, int, int], tolerance: int = 40) -> float:
    """Return the share of pixels with this color, within a tolerance per channel."""
    return float((np.abs(pixels(image) - np.array(near)).max(axis=2) <= tolerance).mean())


@pytest.mark.parametrize(
    ("words", "is_crescent"),
    [("a crescent moon over a city", True), ("🌙 over hills", True), ("blue mountains under a full moon", False)],
)
def test_a_moon_is_crescent_or_full_if_the_prompt_says_so(
    monkeypatch: pytest.MonkeyPatch, words: str, is_crescent: bool
) -> None:
    drawn: list[bool] = []
    monkeypatch.setattr("gpu.sketch.sky.moon", lambda *arguments: drawn.append(arguments[-1]))
    for seed in range(8):
        sketch(words, seed, 96, 96)
    assert drawn == [is_crescent] * 8


def test_a_ginger_cat_is_ginger() -> None:
    for seed in range(4):
        assert share_of(sketch("a ginger cat", seed, 192, 192), COLORS["ginger"]) > 0.08


def test_a_sleeping_cat_has_closed_eyes() -> None:
    asleep, awake = sketch("a ginger cat asleep", 1, 192, 192), sketch("a ginger cat", 1, 192, 192)
    assert "asleep" in parse_prompt("a ginger cat asleep").details
    assert distance(asleep, awake) > 0


@pytest.mark.parametrize(("flower", "petal"), [("sunflowers", SUNFLOWER), ("poppies", POPPY)])
def test_sunflowers_are_yellow_and_poppies_are_red(flower: str, petal: tuple[int, int, int]) -> None:
    for seed in range(4):
        assert share_of(sketch(flower, seed, 192, 192), petal) > 0.02


def test_two_deer_are_two_deer() -> None:
    assert parse_prompt("an old forest in the fog, two deer, ink drawing").nouns["deer"] == 2
    assert distance(sketch("a forest, two deer", 1, 128, 128), sketch("a forest, two", 1, 128, 128)) > 2


def test_a_blossoming_tree_is_pink_and_stands_alone() -> None:
    picture = sketch("cherry blossom flowers by a river at dusk", 1, 192, 192)
    assert share_of(picture, (240, 170, 195)) > 0.01


def test_a_huge_sun_is_larger() -> None:
    assert "huge" in parse_prompt("a huge sun").details
    assert distance(sketch("a huge sun", 1, 128, 128), sketch("a sun", 1, 128, 128)) > 1


def test_the_moon_makes_it_night_and_the_time_of_day_wins_over_the_season() -> None:
    night, day = sketch("snow under a full moon", 1, 96, 96), sketch("snow", 1, 96, 96)
    assert pixels(night).mean() + 40 < pixels(day).mean()


def test_common_words_of_other_languages_are_known() -> None:
    parsed = parse_prompt("une forêt au lever du soleil, brume légère, aquarelle")
    assert set(parsed.nouns) == {"forest", "sun"} and "fog" in parsed.moods


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.author)
def test_every_sample_of_the_demo_is_a_scene(sample: Sample) -> None:
    parsed = parse_prompt(sample.text.format(bot="bot"))
    assert parsed.nouns, "an abstract picture would not show what the prompt says"


def test_every_style_looks_different_from_all_others_and_from_none() -> None:
    plain = "a lighthouse on a rock, sea"
    pictures = {name: sketch(apply_style(plain, name), 7, 192, 128) for name in STYLES}
    pictures["none"] = sketch(plain, 7, 192, 128)
    assert len({picture.size for picture in pictures.values()}) == 1
    for (one, a), (other, b) in combinations(pictures.items(), 2):
        assert np.abs(pixels(a) - pixels(b)).mean() > 4, (one, other)


@pytest.mark.parametrize("size", [(64, 64), (9, 21), (1, 1)])
@pytest.mark.parametrize("name", STYLES)
def test_a_style_fits_any_size(name: str, size: tuple[int, int]) -> None:
    assert sketch(apply_style("a boat", name), 7, *size).size == size
