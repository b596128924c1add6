"""Decides whether an engine can paint what was asked, from plain values, and fills in its defaults.

Pure: knows no queue, no HTTP and no picture bytes; the start image arrives decoded later (`with_start`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PIL.Image import Image

from gpu.contract import PaintRequest, Unpaintable
from gpu.engine import Key, Limits, Order, Piece


def order_from(request: PaintRequest, limits: Limits) -> Order:
    """The request with the engine's defaults filled in; raises Unpaintable naming every field that is wrong."""
    key = _key(request, limits)
    if errors := [*_size_errors(key, limits), *_number_errors(key, limits), *_start_errors(request, key, limits)]:
        raise Unpaintable(*errors)
    pieces = tuple(Piece(request.prompt, seed, request.negative_prompt) for seed in request.seeds)
    return Order(key, pieces)


def with_start(order: Order, start: Image) -> Order:
    """The same order, painted from `start` (RGB, of the key's size)."""
    return replace(order, pieces=tuple(replace(piece, start=start) for piece in order.pieces))


def _key(request: PaintRequest, limits: Limits) -> Key:
    from_image = request.init_image is not None
    strength = limits.strength if request.strength is None else request.strength
    return Key(
        kind="image" if from_image else "text",
        width=limits.width if request.width is None else request.width,
        height=limits.height if request.height is None else request.height,
        steps=limits.steps if request.steps is None else request.steps,
        guidance=limits.guidance if request.guidance is None else request.guidance,
        strength=strength if from_image else 1.0,
    )


def _size_errors(key: Key, limits: Limits) -> Iterator[tuple[str, str]]:
    for field, side in (("width", key.width), ("height", key.height)):
        if not limits.min_side <= side <= limits.max_side:
            yield field, f"must be between {limits.min_side} and {limits.max_side}"
        elif side % limits.multiple:
            yield field, f"must be a multiple of {limits.multiple}"


def _number_errors(key: Key, limits: Limits) -> Iterator[tuple[str, str]]:
    if not 1 <= key.steps <= limits.max_steps:
        yield "steps", f"must be between 1 and {limits.max_steps}"
    if not 0 <= key.guidance <= limits.max_guidance:
        yield "guidance", f"must be between 0 and {limits.max_guidance:g}"


def _start_errors(request: PaintRequest, key: Key, limits: Limits) -> Iterator[tuple[str, str]]:
    if request.init_image is None:
        if request.strength is not None:
            yield "strength", "needs an init_image"
    # With less than one step diffusers fails deep inside with an empty tensor. Caught here it has a name.
    # (Steps out of bounds are named already, and may be too long a number to multiply.)
    elif 1 <= key.steps <= limits.max_steps and int(key.steps * key.strength) < 1:
        yield "strength", f"steps * strength must be at least 1, is {key.steps * key.strength:g}"
