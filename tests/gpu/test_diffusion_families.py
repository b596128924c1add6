"""Every family of models paints by the same contract: sizes, seeds, start images, batches. Tiny random weights."""

from __future__ import annotations

import pytest
from PIL import Image

from gpu.engine import Piece
from tests.support.tiny_engines import TOLERANCE, alone, difference, image_key, loaded, pixels, text_key
from tests.support.tiny_models import tiny_model

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

FAMILIES = ("sd", "sdxl", "sd3", "flux2-klein", "z-image")
RED, BLUE = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))


@pytest.fixture(scope="module", params=FAMILIES)
def engine(request, tmp_path_factory):
    folder = tiny_model(tmp_path_factory.mktemp(request.param) / "tiny-turbo", request.param)
    return loaded(folder, max_side=96)


def test_it_paints_what_is_not_square(engine):
    for width, height in ((96, 64), (64, 96)):
        [painting] = engine.paint(text_key(width, height), [Piece("a lake", 7)])
        assert painting.image.size == (width, height) and painting.image.mode == "RGB"
        assert pixels(painting).std() > 1


def test_sides_are_multiples_of_what_the_family_packs(engine, request):
    packs = request.node.callspec.params["engine"] not in ("sd", "sdxl")
    assert engine.limits.multiple == (16 if packs else 8)


def test_a_seed_means_the_same_picture_in_whatever_batch(engine):
    pieces = [Piece("a hill in spring", 3), Piece("a lake", 7), Piece("a lake", 8), Piece("boats at night", 7)]
    batch = engine.paint(text_key(), pieces)
    for painted, single in zip(batch, alone(engine, text_key(), pieces), strict=True):
        assert difference(painted, single) <= TOLERANCE
    assert difference(batch[1], batch[2]) > 10, "another seed gave the same picture"
    assert difference(batch[1], batch[3]) > 10, "another prompt gave the same picture"


def test_in_a_batch_each_starts_from_its_own_image(engine):
    pieces = [Piece("a lake", 7, start=RED), Piece("a lake", 7, start=BLUE), Piece("a hill", 8, start=RED)]
    batch = engine.paint(image_key(), pieces)
    for painted, single in zip(batch, alone(engine, image_key(), pieces), strict=True):
        assert difference(painted, single) <= TOLERANCE
    assert difference(batch[0], batch[1]) > TOLERANCE, "the image made no difference"


def test_strength_decides_how_far_from_the_image_where_it_counts(engine):
    weak, strong = (engine.paint(image_key(strength=s), [Piece("a lake", 7, start=RED)])[0] for s in (0.25, 1.0))
    assert (difference(weak, strong) > TOLERANCE) is engine.limits.strength_counts


def test_the_least_strength_that_is_let_in_paints(engine):
    for steps, strength in ((4, 0.25), (3, 0.34), (1, 1.0)):
        [painting] = engine.paint(image_key(steps=steps, strength=strength), [Piece("a lake", 7, start=RED)])
        assert painting.image.size == (64, 64)


def test_painting_from_an_image_does_not_disturb_painting_from_text(engine):
    [before] = engine.paint(text_key(), [Piece("a lake", 7)])
    engine.paint(image_key(strength=0.3), [Piece("a lake", 7, start=RED)])
    [after] = engine.paint(text_key(), [Piece("a lake", 7)])
    assert difference(before, after) <= TOLERANCE


def test_a_negative_prompt_counts_where_the_limits_say_so(engine):
    guided = text_key(guidance=2.5)
    plain, negative = (engine.paint(guided, [Piece("a lake", 7, words)])[0] for words in ("", "boats"))
    assert (difference(plain, negative) > 0) is (engine.limits.negative_above is not None)


def test_guidance_counts_where_the_limits_say_so(engine):
    low, high = (engine.paint(text_key(guidance=g), [Piece("a lake", 7)])[0] for g in (1.0, 2.5))
    assert (difference(low, high) > 0) is engine.limits.guidance_counts


def test_somebody_elses_negative_prompt_changes_no_picture_but_theirs(engine):
    guided = text_key(guidance=2.5)
    pieces = [Piece("a lake", 7), Piece("a lake", 7, "boats")]
    for painted, single in zip(engine.paint(guided, pieces), alone(engine, guided, pieces), strict=True):
        assert difference(painted, single) <= TOLERANCE


def test_the_prompt_is_not_changed_for_the_next_one(engine):
    piece = Piece("a lake", 7)
    [first], [second] = engine.paint(text_key(), [piece]), engine.paint(text_key(), [piece])
    assert piece.prompt == "a lake" and difference(first, second) <= TOLERANCE


def test_a_prompt_is_told_to_be_truncated_only_where_it_is(engine):
    [short] = engine.paint(text_key(steps=1), [Piece("a lake", 7)])
    [long] = engine.paint(text_key(steps=1), [Piece("a lake " * 200, 7)])
    assert short.truncated is None
    assert long.truncated is not None
    assert 0 < long.truncated.read < long.truncated.of
