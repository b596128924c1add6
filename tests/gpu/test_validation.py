"""Validation of requests: sizes, defaults, and fields without effect."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.api.contract import InvalidRequest, PaintRequest
from gpu.api.sizes import closest_size
from gpu.api.validation import validate_request, with_init_image
from gpu.engine import EngineLimits

SDXL = EngineLimits(width=1024, height=1024, max_side=1536, multiple=8)


def planned(limits: EngineLimits | None = None, **given: Any) -> Any:
    return validate_request(PaintRequest(prompt="a lake", seeds=[7, 8], **given), limits or EngineLimits())


def errors(limits: EngineLimits | None = None, **given: Any) -> Any:
    with pytest.raises(InvalidRequest) as refused:
        planned(limits, **given)
    return [field for field, _ in refused.value.errors]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ("1:1", (1024, 1024)),
        ("16:9", (1368, 768)),
        ("9:16", (768, 1368)),
        ("3:2", (1248, 832)),
        ("4:3", (1184, 888)),
        ("3:1", (1536, 512)),
        ("1:3", (512, 1536)),
    ],
)
def test_an_aspect_ratio_becomes_a_size_of_about_native_area(shape: str, size: tuple[int, int]) -> None:
    key = planned(SDXL, aspect_ratio=shape).request.key
    assert (key.width, key.height) == size


@given(
    across=st.integers(1, 99),
    down=st.integers(1, 99),
    native=st.sampled_from([64, 512, 768, 1024]),
    multiple=st.sampled_from([8, 16, 32]),
    room=st.sampled_from([1, 1.5, 2, 4]),
)
def test_the_size_of_an_aspect_ratio_is_supported(
    across: Any, down: Any, native: Any, multiple: Any, room: Any
) -> None:
    limits = EngineLimits(width=native, height=native, max_side=int(native * room), multiple=multiple)
    if max(across, down) > 3 * min(across, down):
        assert errors(limits, aspect_ratio=f"{across}:{down}") == ["aspect_ratio"]
        return
    size = closest_size(across / down, limits)
    if size is None:
        assert limits.max_side < 3 * limits.min_side
        return
    for side in size:
        assert limits.min_side <= side <= limits.max_side and side % multiple == 0
    if native >= 512:
        assert size[0] / size[1] == pytest.approx(across / down, rel=0.06)
        assert 0.25 < size[0] * size[1] / native**2 < 1.1


def test_a_model_at_its_largest_size_keeps_the_ratio_in_fewer_pixels() -> None:
    key = planned(EngineLimits(width=1024, height=1024, max_side=1024), aspect_ratio="16:9").request.key
    assert (key.width, key.height) == (1024, 576)


def test_an_impossible_aspect_ratio_is_rejected() -> None:
    assert errors(EngineLimits(width=64, height=64, max_side=64), aspect_ratio="3:1") == ["aspect_ratio"]


def photo(size: tuple[int, int], orientation: int = 1) -> Any:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, "red").save(buffer, "JPEG", exif=exif)
    return base64.b64encode(buffer.getvalue()).decode()


BOTH = EngineLimits(kinds=frozenset({"text", "image"}))


@pytest.mark.parametrize(
    ("size", "orientation", "ratio"),
    [
        ((900, 1600), 1, 9 / 16),
        ((900, 1600), 6, 16 / 9),
        ((4032, 3024), 1, 4 / 3),
        ((400, 400), 1, 1),
        ((3000, 100), 1, 3),
        ((100, 3000), 1, 1 / 3),
    ],
)
def test_the_init_image_decides_the_ratio_by_default(size: tuple[int, int], orientation: int, ratio: int) -> None:
    key = planned(BOTH, init_image=photo(size, orientation)).request.key
    assert key.width / key.height == pytest.approx(ratio, rel=0.06)


@pytest.mark.parametrize("named", [{"aspect_ratio": "1:1"}, {"width": 512}, {"height": 512}])
def test_an_explicit_size_wins_over_the_init_images_ratio(named: dict[str, Any]) -> None:
    key = planned(BOTH, init_image=photo((900, 1600)), **named).request.key
    assert (key.width, key.height) == (512, 512)


def test_an_unreadable_init_image_does_not_hide_other_errors() -> None:
    assert errors(BOTH, init_image="AAAA", steps=-1) == ["steps"]


@pytest.mark.parametrize("side", [{"width": 512}, {"height": 512}, {"width": 512, "height": 512}])
def test_aspect_ratio_excludes_width_and_height(side: dict[str, Any]) -> None:
    assert errors(aspect_ratio="1:1", **side) == ["aspect_ratio"]


@pytest.mark.parametrize("shape", ["31:10", "1:4", "99:1"])
def test_an_aspect_ratio_beyond_three_to_one_is_rejected(shape: str) -> None:
    assert errors(aspect_ratio=shape) == ["aspect_ratio"]


def test_an_init_image_is_rejected_by_a_text_only_model() -> None:
    text_only = EngineLimits(kinds=frozenset({"text"}))
    assert errors(text_only, init_image="AAAA") == ["init_image"]
    assert planned(text_only).request.key.kind == "text"


def test_a_missing_init_image_is_rejected_by_an_image_only_model() -> None:
    assert errors(EngineLimits(kinds=frozenset({"image"}))) == ["init_image"]


@pytest.mark.parametrize(
    ("limits", "guidance", "counts"),
    [
        (EngineLimits(negative_prompt_min_guidance=1.0, guidance=0.0), None, False),
        (EngineLimits(negative_prompt_min_guidance=1.0, guidance=7.0), None, True),
        (EngineLimits(negative_prompt_min_guidance=1.0, guidance=7.0), 1.0, False),
        (EngineLimits(negative_prompt_min_guidance=0.0), 0.5, True),
        (EngineLimits(negative_prompt_min_guidance=None), 30.0, False),
    ],
)
def test_a_negative_prompt_is_used_or_listed_as_ignored(limits: Any, guidance: float | None, counts: bool) -> None:
    validated = planned(limits, negative_prompt="fog", guidance=guidance)
    assert validated.ignored == (() if counts else ("negative_prompt",))
    assert [piece.negative_prompt for piece in validated.request.images] == ["fog" if counts else ""] * 2


def test_a_blank_negative_prompt_is_not_ignored() -> None:
    assert planned(negative_prompt=" \n").ignored == ()


def test_unsupported_guidance_is_ignored() -> None:
    validated = planned(EngineLimits(guidance=1.0, supports_guidance=False), guidance=8.0)
    assert validated.ignored == ("guidance",) and validated.request.key.guidance == 1.0


def test_unsupported_strength_is_ignored_and_splits_no_batches() -> None:
    limits = EngineLimits(supports_strength=False)
    validated = planned(limits, init_image="AAAA", strength=0.01)
    assert validated.ignored == ("strength",)
    assert validated.request.key == planned(limits, init_image="AAAA").request.key


def test_strength_without_an_init_image_is_an_error() -> None:
    assert errors(strength=0.5) == ["strength"]
    assert errors(EngineLimits(supports_strength=False), strength=0.5) == ["strength"]


@pytest.mark.parametrize(("steps", "strength", "painted"), [(4, 0.25, True), (4, 0.24, False), (1, 1.0, True)])
def test_img2img_needs_at_least_one_step(steps: int, strength: float, painted: bool) -> None:
    asked: dict[str, Any] = {"init_image": "AAAA", "steps": steps, "strength": strength}
    if painted:
        assert planned(**asked).request.key.strength == strength
    else:
        assert errors(**asked) == ["strength"]


def test_all_images_of_a_request_share_the_init_image() -> None:
    start = Image.new("RGB", (512, 512))
    body = PaintRequest(prompt="a lake", seeds=[7, 8], init_image="AAAA", embedding=True)
    validated = validate_request(body, EngineLimits())
    begun = with_init_image(validated, start)
    assert [piece.init_image for piece in begun.request.images] == [start, start]
    assert [piece.seed for piece in begun.request.images] == [7, 8]
    assert begun.wants_embedding


def test_unsupported_steps_are_ignored_and_null() -> None:
    validated = planned(EngineLimits(supports_steps=False), steps=30)
    assert (validated.ignored, validated.steps) == (("steps",), None)
    assert planned(EngineLimits(), steps=30).steps == 30


def test_guidance_below_the_models_lowest_is_rejected() -> None:
    limits = EngineLimits(min_guidance=1.0, guidance=1.0)
    with pytest.raises(InvalidRequest, match=r"guidance: must be between 1 and 30"):
        validate_request(PaintRequest(prompt="a lake", guidance=0.5), limits)
