"""Decides whether an engine can paint what was asked, from plain values, and fills in its defaults.

Pure: knows no queue and no HTTP; of a start image it asks for the shape, and the decoded one arrives later
(`with_start`). Nothing is changed silently: what the engine cannot do is refused, what it does not look at is named in
`Plan.ignored`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL.Image import Image

from gpu.engine import Key, Limits, Order, Piece
from gpu.web.contract import PaintRequest, Unpaintable
from gpu.web.shapes import MAX_RATIO, size_of
from gpu.web.start_pictures import ratio_of_start

Errors = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Plan:
    """An order, and what its answer says beside the pictures: the fields not looked at, the steps, the embeddings."""

    order: Order
    ignored: tuple[str, ...] = ()
    steps: int | None = None
    embedding: bool = False


def plan(request: PaintRequest, limits: Limits, caller: str = "", *, checked: bool = True) -> Plan:
    """The request with the engine's defaults filled in; raises Unpaintable naming every field that is wrong.

    `checked`: whether there is a safety check, which is where embeddings come from."""
    size = _size(request, limits)
    key = _key(request, size, limits)
    if errors := [*_size_errors(key, limits), *_number_errors(key, limits), *_start_errors(request, key, limits)]:
        raise Unpaintable(*errors)
    ignored = tuple(_ignored(request, key, limits, checked))
    negative = "" if "negative_prompt" in ignored else request.negative_prompt
    pieces = tuple(Piece(request.prompt, seed, negative) for seed in request.seeds)
    steps = key.steps if limits.steps_count else None
    return Plan(Order(key, pieces, caller), ignored, steps, request.embedding)


def with_start(planned: Plan, start: Image) -> Plan:
    """The same plan, painted from `start` (RGB, of the key's size)."""
    pieces = tuple(replace(piece, start=start) for piece in planned.order.pieces)
    return replace(planned, order=replace(planned.order, pieces=pieces))


def _size(request: PaintRequest, limits: Limits) -> tuple[int, int]:
    if request.aspect_ratio is None:
        if request.width is None and request.height is None and (size := _size_of_start(request, limits)):
            return size
        return (
            limits.width if request.width is None else request.width,
            limits.height if request.height is None else request.height,
        )
    if request.width is not None or request.height is not None:
        raise Unpaintable(("aspect_ratio", "goes without width and height"))
    across, down = (int(part) for part in request.aspect_ratio.split(":"))
    if max(across, down) > MAX_RATIO * min(across, down):
        raise Unpaintable(("aspect_ratio", f"must be between 1:{MAX_RATIO} and {MAX_RATIO}:1"))
    if size := size_of(across / down, limits):
        return size
    raise Unpaintable(("aspect_ratio", "this model has no size of that shape"))


def _size_of_start(request: PaintRequest, limits: Limits) -> tuple[int, int] | None:
    """The size that is nearest to the shape of the start image, so that no head and no feet are cut off; None if there
    is no start image, or none that this model looks at, or no image: decoding it says why."""
    if request.init_image is None or "image" not in limits.kinds:
        return None
    try:
        ratio = ratio_of_start(request.init_image)
    except Unpaintable:
        return None
    return size_of(min(max(ratio, 1 / MAX_RATIO), MAX_RATIO), limits)


def _key(request: PaintRequest, size: tuple[int, int], limits: Limits) -> Key:
    from_image = request.init_image is not None
    strength = limits.strength if request.strength is None else request.strength
    guided = request.guidance is not None and limits.guidance_counts
    return Key(
        kind="image" if from_image else "text",
        width=size[0],
        height=size[1],
        steps=limits.steps if request.steps is None else request.steps,
        guidance=request.guidance if guided and request.guidance is not None else limits.guidance,
        strength=strength if from_image and limits.strength_counts else 1.0,
    )


def _size_errors(key: Key, limits: Limits) -> Errors:
    for field, side in (("width", key.width), ("height", key.height)):
        if not limits.min_side <= side <= limits.max_side:
            yield field, f"must be between {limits.min_side} and {limits.max_side}"
        elif side % limits.multiple:
            yield field, f"must be a multiple of {limits.multiple}"


def _number_errors(key: Key, limits: Limits) -> Errors:
    if not 1 <= key.steps <= limits.max_steps:
        yield "steps", f"must be between 1 and {limits.max_steps}"
    if not 0 <= key.guidance <= limits.max_guidance:
        yield "guidance", f"must be between 0 and {limits.max_guidance:g}"


def _start_errors(request: PaintRequest, key: Key, limits: Limits) -> Errors:
    if key.kind not in limits.kinds:
        yield "init_image", f"this model paints from {'text' if key.kind == 'image' else 'an image'} only"
    elif request.init_image is None:
        if request.strength is not None:
            yield "strength", "needs an init_image"
    # With less than one step diffusers fails deep inside with an empty tensor. Caught here it has a name.
    # (Steps out of bounds are named already, and may be too long a number to multiply.)
    elif 1 <= key.steps <= limits.max_steps and int(key.steps * key.strength) < 1:
        yield "strength", f"steps * strength must be at least 1, is {key.steps * key.strength:g}"


def _ignored(request: PaintRequest, key: Key, limits: Limits, checked: bool) -> Iterator[str]:
    """The fields that were given and that nothing comes of here."""
    above = limits.negative_above
    if request.negative_prompt.strip() and (above is None or key.guidance <= above):
        yield "negative_prompt"
    if request.steps is not None and not limits.steps_count:
        yield "steps"
    if request.guidance is not None and not limits.guidance_counts:
        yield "guidance"
    if request.strength is not None and not limits.strength_counts:
        yield "strength"
    if request.embedding and not checked:
        yield "embedding"
