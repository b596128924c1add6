"""Every family of models follows the same contract: sizes, seeds, init images, batches."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from gpu.engine import BatchKey, ImageRequest
from tests.support.tiny_engines import TOLERANCE, alone, difference, image_key, loaded, pixels, text_key
from tests.support.tiny_models import FAMILIES, tiny_model

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

TEXT_ONLY = ("prx",)
with_init_images = pytest.mark.parametrize(
    "engine", [family for family in FAMILIES if family not in TEXT_ONLY], indirect=True
)
RED, BLUE = (Image.new("RGB", (64, 64), color) for color in ("red", "blue"))


@pytest.fixture(scope="module", params=FAMILIES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny_model(tmp_path_factory.mktemp(request.param) / "tiny-turbo", request.param)
    return loaded(folder, max_side=96)


def key_of(engine: Any, *size: int, **values: float) -> BatchKey:
    """Return a key with the lowest guidance that the family accepts."""
    return text_key(*size, **{"guidance": engine.limits.min_guidance, **values})


def test_sizes_need_not_be_square(engine: Any) -> None:
    for width, height in ((96, 64), (64, 96)):
        [painting] = engine.generate(key_of(engine, width, height), [ImageRequest("a lake", 7)])
        assert painting.image.size == (width, height) and painting.image.mode == "RGB"
        assert pixels(painting).std() > 1


def test_sides_are_multiples_of_the_familys_patch(engine: Any, request: pytest.FixtureRequest) -> None:
    family = request.node.callspec.params["engine"]
    assert engine.limits.multiple == {"sd": 8, "sdxl": 8, "sana-sprint": 32}.get(family, 16)


def test_every_family_but_prx_reads_init_images(engine: Any, request: pytest.FixtureRequest) -> None:
    assert ("image" in engine.limits.kinds) is (request.node.callspec.params["engine"] not in TEXT_ONLY)


def test_a_seed_gives_the_same_picture_in_any_batch(engine: Any) -> None:
    images = [
        ImageRequest("a hill in spring", 3),
        ImageRequest("a lake", 7),
        ImageRequest("a lake", 8),
        ImageRequest("boats at night", 7),
    ]
    batch = engine.generate(key_of(engine), images)
    for painted, single in zip(batch, alone(engine, key_of(engine), images), strict=True):
        assert difference(painted, single) <= TOLERANCE
    assert difference(batch[1], batch[2]) > 10, "another seed gave the same picture"
    assert difference(batch[1], batch[3]) > 10, "another prompt gave the same picture"


@with_init_images
def test_each_image_of_a_batch_has_its_own_init_image(engine: Any) -> None:
    images = [
        ImageRequest("a lake", 7, init_image=RED),
        ImageRequest("a lake", 7, init_image=BLUE),
        ImageRequest("a hill", 8, init_image=RED),
    ]
    batch = engine.generate(image_key(), images)
    for painted, single in zip(batch, alone(engine, image_key(), images), strict=True):
        assert difference(painted, single) <= TOLERANCE
    assert difference(batch[0], batch[1]) > TOLERANCE, "the image made no difference"


@with_init_images
def test_strength_works_if_it_is_supported(engine: Any) -> None:
    weak, strong = (
        engine.generate(image_key(strength=s), [ImageRequest("a lake", 7, init_image=RED)])[0] for s in (0.25, 1.0)
    )
    assert (difference(weak, strong) > TOLERANCE) is engine.limits.supports_strength


@with_init_images
def test_below_full_strength_the_init_image_makes_a_difference(engine: Any) -> None:
    """Also if the strength is no whole number of steps: 0.9 of 2 steps must not begin at pure noise."""
    if engine.limits.supports_strength:
        red, blue = (
            engine.generate(image_key(steps=2, strength=0.9), [ImageRequest("a lake", 7, init_image=image)])[0]
            for image in (RED, BLUE)
        )
        assert difference(red, blue) > 0


@with_init_images
def test_the_smallest_accepted_strength_works(engine: Any) -> None:
    for steps, strength in ((4, 0.25), (3, 0.34), (1, 1.0)):
        [painting] = engine.generate(
            image_key(steps=steps, strength=strength), [ImageRequest("a lake", 7, init_image=RED)]
        )
        assert painting.image.size == (64, 64)


@with_init_images
def test_img2img_does_not_disturb_text2img(engine: Any) -> None:
    [before] = engine.generate(key_of(engine), [ImageRequest("a lake", 7)])
    engine.generate(image_key(strength=0.3), [ImageRequest("a lake", 7, init_image=RED)])
    [after] = engine.generate(key_of(engine), [ImageRequest("a lake", 7)])
    assert difference(before, after) <= TOLERANCE


def test_negative_prompts_work_if_they_are_supported(engine: Any) -> None:
    guided = key_of(engine, guidance=2.5)
    plain, negative = (engine.generate(guided, [ImageRequest("a lake", 7, words)])[0] for words in ("", "boats"))
    assert (difference(plain, negative) > 0) is (engine.limits.negative_prompt_min_guidance is not None)


def test_guidance_works_if_it_is_supported(engine: Any) -> None:
    low, high = (engine.generate(key_of(engine, guidance=g), [ImageRequest("a lake", 7)])[0] for g in (1.0, 2.5))
    assert (difference(low, high) > 0) is engine.limits.supports_guidance


def test_a_negative_prompt_changes_only_its_own_picture(engine: Any) -> None:
    guided = key_of(engine, guidance=2.5)
    images = [ImageRequest("a lake", 7), ImageRequest("a lake", 7, "boats")]
    for painted, single in zip(engine.generate(guided, images), alone(engine, guided, images), strict=True):
        assert difference(painted, single) <= TOLERANCE


def test_prompts_are_not_changed_between_calls(engine: Any) -> None:
    piece = ImageRequest("a lake", 7)
    [first], [second] = engine.generate(key_of(engine), [piece]), engine.generate(key_of(engine), [piece])
    assert piece.prompt == "a lake" and difference(first, second) <= TOLERANCE


def test_only_truncated_prompts_are_reported(engine: Any) -> None:
    [short] = engine.generate(key_of(engine, steps=1), [ImageRequest("a lake", 7)])
    [long] = engine.generate(key_of(engine, steps=1), [ImageRequest("a lake " * 200, 7)])
    assert short.truncation is None
    assert long.truncation is not None
    assert 0 < long.truncation.used < long.truncation.total
