"""What an engine can paint of a request: shapes, defaults, and what it does not look at. No queue, no HTTP."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.engine import Limits
from gpu.web.contract import PaintRequest, Unpaintable
from gpu.web.orders import plan, with_start
from gpu.web.shapes import size_of

SDXL = Limits(width=1024, height=1024, max_side=1536, multiple=8)


def planned(limits=None, **given):
    return plan(PaintRequest(prompt="a lake", seeds=[7, 8], **given), limits or Limits())


def errors(limits=None, **given):
    with pytest.raises(Unpaintable) as refused:
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
def test_a_shape_becomes_a_size_with_about_the_models_own_number_of_pixels(shape, size):
    key = planned(SDXL, aspect_ratio=shape).order.key
    assert (key.width, key.height) == size


@given(
    across=st.integers(1, 99),
    down=st.integers(1, 99),
    native=st.sampled_from([64, 512, 768, 1024]),
    multiple=st.sampled_from([8, 16, 32]),
    room=st.sampled_from([1, 1.5, 2, 4]),
)
def test_the_size_of_a_shape_is_one_that_the_engine_takes(across, down, native, multiple, room):
    limits = Limits(width=native, height=native, max_side=int(native * room), multiple=multiple)
    if max(across, down) > 3 * min(across, down):
        assert errors(limits, aspect_ratio=f"{across}:{down}") == ["aspect_ratio"]
        return
    size = size_of(across / down, limits)
    if size is None:
        assert limits.max_side < 3 * limits.min_side
        return
    for side in size:
        assert limits.min_side <= side <= limits.max_side and side % multiple == 0
    if native >= 512:
        assert size[0] / size[1] == pytest.approx(across / down, rel=0.06)
        assert 0.3 < size[0] * size[1] / native**2 < 1.1


def test_a_model_whose_own_size_is_its_largest_keeps_the_shape_in_fewer_pixels():
    key = planned(Limits(width=1024, height=1024, max_side=1024), aspect_ratio="16:9").order.key
    assert (key.width, key.height) == (1024, 576)


def test_a_shape_that_fits_between_no_sides_is_refused():
    assert errors(Limits(width=64, height=64, max_side=64), aspect_ratio="3:1") == ["aspect_ratio"]


def photo(size, orientation=1):
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, "red").save(buffer, "JPEG", exif=exif)
    return base64.b64encode(buffer.getvalue()).decode()


BOTH = Limits(kinds=frozenset({"text", "image"}))


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
def test_without_a_named_shape_the_picture_has_that_of_its_start(size, orientation, ratio):
    key = planned(BOTH, init_image=photo(size, orientation)).order.key
    assert key.width / key.height == pytest.approx(ratio, rel=0.06)


@pytest.mark.parametrize("named", [{"aspect_ratio": "1:1"}, {"width": 512}, {"height": 512}])
def test_a_named_shape_or_side_goes_before_that_of_the_start(named):
    key = planned(BOTH, init_image=photo((900, 1600)), **named).order.key
    assert (key.width, key.height) == (512, 512)


def test_a_start_that_cannot_be_read_leaves_the_other_mistakes_to_be_named():
    assert errors(BOTH, init_image="AAAA", steps=-1) == ["steps"]


@pytest.mark.parametrize("side", [{"width": 512}, {"height": 512}, {"width": 512, "height": 512}])
def test_a_shape_goes_without_width_and_height(side):
    assert errors(aspect_ratio="1:1", **side) == ["aspect_ratio"]


@pytest.mark.parametrize("shape", ["31:10", "1:4", "99:1"])
def test_a_shape_longer_than_three_to_one_is_refused(shape):
    assert errors(aspect_ratio=shape) == ["aspect_ratio"]


def test_a_model_that_paints_from_text_only_says_so():
    text_only = Limits(kinds=frozenset({"text"}))
    assert errors(text_only, init_image="AAAA") == ["init_image"]
    assert planned(text_only).order.key.kind == "text"


def test_a_model_that_paints_from_images_only_says_so():
    assert errors(Limits(kinds=frozenset({"image"}))) == ["init_image"]


@pytest.mark.parametrize(
    ("limits", "guidance", "counts"),
    [
        (Limits(negative_above=1.0, guidance=0.0), None, False),
        (Limits(negative_above=1.0, guidance=7.0), None, True),
        (Limits(negative_above=1.0, guidance=7.0), 1.0, False),
        (Limits(negative_above=0.0), 0.5, True),
        (Limits(negative_above=None), 30.0, False),
    ],
)
def test_a_negative_prompt_counts_where_guidance_allows_and_is_named_where_not(limits, guidance, counts):
    plan_ = planned(limits, negative_prompt="fog", guidance=guidance)
    assert plan_.ignored == (() if counts else ("negative_prompt",))
    assert [piece.negative_prompt for piece in plan_.order.pieces] == ["fog" if counts else ""] * 2


def test_a_blank_negative_prompt_is_none():
    assert planned(negative_prompt=" \n").ignored == ()


def test_guidance_that_does_not_count_is_named_and_the_models_own_is_answered():
    plan_ = planned(Limits(guidance=1.0, guidance_counts=False), guidance=8.0)
    assert plan_.ignored == ("guidance",) and plan_.order.key.guidance == 1.0


def test_strength_that_does_not_count_is_named_and_splits_no_batches():
    limits = Limits(strength_counts=False)
    plan_ = planned(limits, init_image="AAAA", strength=0.01)
    assert plan_.ignored == ("strength",)
    assert plan_.order.key == planned(limits, init_image="AAAA").order.key


def test_strength_without_an_image_is_a_mistake_whatever_the_model():
    assert errors(strength=0.5) == ["strength"]
    assert errors(Limits(strength_counts=False), strength=0.5) == ["strength"]


@pytest.mark.parametrize(("steps", "strength", "painted"), [(4, 0.25, True), (4, 0.24, False), (1, 1.0, True)])
def test_from_an_image_at_least_one_step_must_be_left(steps, strength, painted):
    asked = {"init_image": "AAAA", "steps": steps, "strength": strength}
    if painted:
        assert planned(**asked).order.key.strength == strength
    else:
        assert errors(**asked) == ["strength"]


def test_all_pieces_of_an_order_start_from_the_same_picture_and_know_their_caller():
    start = Image.new("RGB", (512, 512))
    plan_ = plan(PaintRequest(prompt="a lake", seeds=[7, 8], init_image="AAAA", embedding=True), Limits(), "ann")
    begun = with_start(plan_, start)
    assert [piece.start for piece in begun.order.pieces] == [start, start]
    assert [piece.seed for piece in begun.order.pieces] == [7, 8]
    assert begun.order.caller == "ann" and begun.embedding


def test_steps_of_an_engine_that_knows_none_are_ignored_and_not_told():
    plan_ = planned(Limits(steps_count=False), steps=30)
    assert (plan_.ignored, plan_.steps) == (("steps",), None)
    assert planned(Limits(), steps=30).steps == 30
