"""Check whether an engine supports a request, and fill in the engine's defaults.

It changes no value silently: unsupported values are errors, and fields without effect are listed as ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL.Image import Image

from gpu.api.contract import InvalidRequest, PaintRequest
from gpu.api.init_image import init_image_ratio
from gpu.api.sizes import MAX_RATIO, closest_size
from gpu.engine import BatchKey, EngineLimits, GenerationRequest, ImageRequest

Errors = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class ValidatedRequest:
    """What the engine generates, and what the response says beside the pictures."""

    request: GenerationRequest
    ignored: tuple[str, ...] = ()
    steps: int | None = None
    wants_embedding: bool = False


def validate_request(body: PaintRequest, limits: EngineLimits, *, has_check: bool = True) -> ValidatedRequest:
    """Return the request with the engine's defaults. Raises InvalidRequest with every field that is wrong.

    Only the safety check computes embeddings, so `has_check` decides whether the field is ignored.
    """
    key = _key(body, _size(body, limits), limits)
    if errors := [*_size_errors(key, limits), *_number_errors(key, limits), *_init_image_errors(body, key, limits)]:
        raise InvalidRequest(*errors)
    ignored = tuple(_ignored(body, key, limits, has_check))
    negative = "" if "negative_prompt" in ignored else body.negative_prompt
    images = tuple(ImageRequest(body.prompt, seed, negative) for seed in body.seeds)
    steps = key.steps if limits.supports_steps else None
    return ValidatedRequest(GenerationRequest(key, images), ignored, steps, body.embedding)


def with_init_image(validated: ValidatedRequest, init_image: Image) -> ValidatedRequest:
    """Return the same request with a decoded init image (RGB, of the key's size)."""
    images = tuple(replace(image, init_image=init_image) for image in validated.request.images)
    return replace(validated, request=replace(validated.request, images=images))


def _size(body: PaintRequest, limits: EngineLimits) -> tuple[int, int]:
    if body.aspect_ratio is None:
        if body.width is None and body.height is None and (size := _size_of_init_image(body, limits)):
            return size
        return (
            limits.width if body.width is None else body.width,
            limits.height if body.height is None else body.height,
        )
    if body.width is not None or body.height is not None:
        raise InvalidRequest(("aspect_ratio", "cannot be combined with width and height"))
    across, down = (int(part) for part in body.aspect_ratio.split(":"))
    if max(across, down) > MAX_RATIO * min(across, down):
        raise InvalidRequest(("aspect_ratio", f"must be between 1:{MAX_RATIO} and {MAX_RATIO}:1"))
    if size := closest_size(across / down, limits):
        return size
    raise InvalidRequest(("aspect_ratio", "this model has no size with that ratio"))


def _size_of_init_image(body: PaintRequest, limits: EngineLimits) -> tuple[int, int] | None:
    """Return the size closest to the init image's ratio, so that little is cropped.

    None if there is no init image, if the model uses none, or if it is unreadable (decoding it reports why).
    """
    if body.init_image is None or "image" not in limits.kinds:
        return None
    try:
        ratio = init_image_ratio(body.init_image)
    except InvalidRequest:
        return None
    return closest_size(min(max(ratio, 1 / MAX_RATIO), MAX_RATIO), limits)


def _key(body: PaintRequest, size: tuple[int, int], limits: EngineLimits) -> BatchKey:
    has_init_image = body.init_image is not None
    strength = limits.strength if body.strength is None else body.strength
    has_guidance = body.guidance is not None and limits.supports_guidance
    return BatchKey(
        kind="image" if has_init_image else "text",
        width=size[0],
        height=size[1],
        steps=limits.steps if body.steps is None else body.steps,
        guidance=body.guidance if has_guidance and body.guidance is not None else limits.guidance,
        strength=strength if has_init_image and limits.supports_strength else 1.0,
    )


def _size_errors(key: BatchKey, limits: EngineLimits) -> Errors:
    for field, side in (("width", key.width), ("height", key.height)):
        if not limits.min_side <= side <= limits.max_side:
            yield field, f"must be between {limits.min_side} and {limits.max_side}"
        elif side % limits.multiple:
            yield field, f"must be a multiple of {limits.multiple}"


def _number_errors(key: BatchKey, limits: EngineLimits) -> Errors:
    if not 1 <= key.steps <= limits.max_steps:
        yield "steps", f"must be between 1 and {limits.max_steps}"
    if not limits.min_guidance <= key.guidance <= limits.max_guidance:
        yield "guidance", f"must be between {limits.min_guidance:g} and {limits.max_guidance:g}"


def _init_image_errors(body: PaintRequest, key: BatchKey, limits: EngineLimits) -> Errors:
    if key.kind not in limits.kinds:
        yield "init_image", f"this model generates from {'text' if key.kind == 'image' else 'an image'} only"
    elif body.init_image is None:
        if body.strength is not None:
            yield "strength", "needs an init_image"
    # With less than one step diffusers fails deep inside with an empty tensor. (Steps out of bounds already have an
    # error, and may be too long a number to multiply.)
    elif 1 <= key.steps <= limits.max_steps and int(key.steps * key.strength) < 1:
        yield "strength", f"steps * strength must be at least 1, is {key.steps * key.strength:g}"


def _ignored(body: PaintRequest, key: BatchKey, limits: EngineLimits, has_check: bool) -> Iterator[str]:
    """Yield the fields of the request that have no effect."""
    min_guidance = limits.negative_prompt_min_guidance
    if body.negative_prompt.strip() and (min_guidance is None or key.guidance <= min_guidance):
        yield "negative_prompt"
    if body.steps is not None and not limits.supports_steps:
        yield "steps"
    if body.guidance is not None and not limits.supports_guidance:
        yield "guidance"
    if body.strength is not None and not limits.supports_strength:
        yield "strength"
    if body.embedding and not has_check:
        yield "embedding"
