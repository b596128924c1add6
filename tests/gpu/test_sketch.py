"""The sketch: deterministic, different for each prompt and seed, and it knows a few words."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from gpu.engine import Key, Piece
from gpu.sketch.animals import places
from gpu.sketch.canvas import Canvas
from gpu.sketch.engine import SketchEngine
from gpu.sketch.picture import sketch, sketch_over
from gpu.sketch.vocabulary import COLOURS, NOUNS
from gpu.sketch.words import read

NOUN_GROUPS = sorted(set(NOUNS.values()))
ABSTRACT = [
    "bias", "infinity", "42", "imaginary numbers", "the meaning of life", "fairness", "кошка", "猫と海", "🦄", "...",
    "inertia", "42!",
]  # fmt: skip


def pixels(image):
    return np.asarray(image, np.int16)


def distance(one, other):
    """Mean difference of a channel, 0..255, at thumbnail size: what a visitor sees in the gallery."""
    small = [pixels(image.resize((32, 32), Image.Resampling.BOX)) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize("prompt", ["a red house by the sea", "imaginary numbers", "a starry night", "🎨"])
def test_the_same_prompt_seed_and_size_give_the_same_pixels(prompt):
    assert sketch(prompt, 7, 128, 96).tobytes() == sketch(prompt, 7, 128, 96).tobytes()


def test_another_process_paints_the_same_pixels():
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
def test_another_seed_is_another_variation(prompt):
    one, other = sketch(prompt, 1, 128, 128), sketch(prompt, 2, 128, 128)
    assert distance(one, other) > 3


def test_different_prompts_look_different():
    prompts = ["a sea", "a forest", "a city at night", "a cat", "a red rose", "the desert", "a galaxy", *ABSTRACT[:6]]
    shots = {prompt: sketch(prompt, 1, 96, 96) for prompt in prompts}
    for one, other in combinations(prompts, 2):
        assert distance(shots[one], shots[other]) > 8, (one, other)


def test_abstract_prompts_come_in_many_styles_and_colours():
    shots = [sketch(prompt, 1, 96, 96) for prompt in ABSTRACT]
    assert min(distance(one, other) for one, other in combinations(shots, 2)) > 5


@pytest.mark.parametrize("noun", NOUN_GROUPS)
def test_every_noun_it_knows_changes_the_picture(noun):
    with_noun = sketch(f"zzz {noun}", 5, 96, 96)
    assert noun in read(f"zzz {noun}").nouns
    assert distance(with_noun, sketch("zzz", 5, 96, 96)) > 5


@pytest.mark.parametrize(("word", "noun"), [("ocean", "sea"), ("Kittens", "cat"), ("CITIES", "city"), ("🌊", "sea")])
def test_it_knows_synonyms_plurals_and_some_emoji(word, noun):
    assert noun in read(f"two {word}!").nouns


def test_a_number_says_how_many():
    assert read("three cats").nouns["cat"] == 3
    assert read("a cat").nouns["cat"] == 1
    assert read("a flock of birds").nouns["bird"] == 3
    assert read("a village").nouns["house"] == 3


def test_a_colour_belongs_to_the_noun_behind_it():
    reading = read("a red house under a blue sky with a black cat")
    assert reading.tints["house"] == COLOURS["red"]
    assert reading.tints["cat"] == COLOURS["black"]


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_named_colour_prevails(colour, channel):
    mean = pixels(sketch(f"{colour} hills", 3, 96, 96)).mean(axis=(0, 1))
    other = pixels(sketch("hills", 3, 96, 96)).mean(axis=(0, 1))
    assert mean[channel] / mean.sum() > other[channel] / other.sum()


def test_a_colour_of_the_weather_is_the_colour_of_the_picture():
    red, green, blue = pixels(sketch("purple rain", 1, 96, 96)).mean(axis=(0, 1))
    assert green < red and green < blue


def test_night_is_darker_than_day():
    assert pixels(sketch("hills at night", 1, 96, 96)).mean() + 60 < pixels(sketch("hills in summer", 1, 96, 96)).mean()


@pytest.mark.parametrize("size", [(64, 64), (64, 1536), (1536, 64), (512, 768), (1032, 520)])
def test_every_size_it_allows_is_painted(size):
    for prompt in ("a whale, a castle, a rainbow and five fish in the sea", "entropy"):
        assert sketch(prompt, 1, *size).size == size


@pytest.mark.parametrize("number", range(27))
def test_every_abstract_style_is_painted_in_every_shape(number):
    for size in ((64, 192), (192, 64)):
        image = sketch(f"nothing {number}", number, *size)
        assert pixels(image).std() > 5


@pytest.mark.parametrize(
    "prompt", ["", " ", "\x00", "\ud800", "a" * 4000, "sea " * 1000, "🌊" * 4000, "\u202e", "%s{}"]
)
def test_any_text_at_all_is_painted(prompt):
    assert sketch(prompt, 2**63 - 1, 64, 64).mode == "RGB"


def test_it_says_on_the_picture_that_it_is_a_sketch():
    plain = pixels(sketch("bias", 1, 512, 512))[-30:, -70:]
    assert np.abs(np.diff(plain.mean(axis=2), axis=1)).max() > 25, "no letters in the corner"


def test_a_start_image_stays_recognisable_at_low_strength_and_yields_at_high():
    start = Image.radial_gradient("L").resize((128, 128)).convert("RGB")
    weak, strong = (sketch_over(start, "a red forest", 1, strength) for strength in (0.2, 1.0))
    own = sketch("a red forest", 1, 128, 128)
    assert 0 < distance(weak, start) < distance(strong, start)
    assert distance(strong, own) < distance(weak, own)


def test_the_engine_paints_pieces_in_order_with_or_without_a_start_image():
    engine = SketchEngine()
    engine.load()
    paintings = engine.paint(Key("text", 64, 64, 4, 0.0), [Piece("a sea", 1), Piece("a cat", 2)])
    assert paintings[1].image.tobytes() == sketch("a cat", 2, 64, 64).tobytes()
    start = Image.new("RGB", (64, 64), "red")
    assert engine.paint(Key("image", 64, 64, 4, 0.0, 0.5), [Piece("a sea", 1, start=start)])[0].image.size == (64, 64)


@pytest.mark.parametrize("prompt", ["a red fox in the snow", "🦊", "two FOXES at night", "a fox, a dog and a cat"])
def test_a_fox_is_there_when_it_is_asked_for(prompt, monkeypatch):
    with_it = sketch(prompt, 1, 128, 128).tobytes()
    monkeypatch.setattr("gpu.sketch.subjects.foxes", lambda *_, **__: None)
    assert sketch(prompt, 1, 128, 128).tobytes() != with_it


def test_no_tail_in_a_row_leaves_the_picture():
    for kind, lean, left, right in (("cat", 0.15, -0.3, 0.6), ("dog", -0.06, -0.5, 0.36), ("fox", 0.17, -0.31, 0.65)):
        for seed in range(20):
            canvas = Canvas(512, 512, np.random.default_rng(seed))
            for x, size, flip in places(canvas, 2, (0.0, 1.0), lean):
                ends = (x - left * size, x - right * size) if flip else (x + left * size, x + right * size)
                assert min(ends) > -6 and max(ends) < 518, kind


@pytest.mark.parametrize("size", [(64, 64), (1536, 64), (64, 1536)])
def test_every_noun_is_painted_at_the_smallest_sizes(size):
    for seed, noun in enumerate(sorted(set(NOUNS.values()))):
        assert sketch(noun, seed, *size).size == size
        assert sketch(f"three red {noun}s on a stormy night", seed, *size).size == size
