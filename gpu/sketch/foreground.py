"""A scene, and the subjects in its foreground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gpu.sketch import animals, objects, plants
from gpu.sketch.canvas import Canvas
from gpu.sketch.color import Color
from gpu.sketch.palette import Palette
from gpu.sketch.prompt_parser import ParsedPrompt


@dataclass
class Scene:
    """A picture while it is composed. `horizon` is in pixels from the top, `light` is the x of sun or moon."""

    canvas: Canvas
    prompt: ParsedPrompt
    palette: Palette
    horizon: float
    light: float | None = None

    def has(self, *nouns: str) -> bool:
        return self.prompt.has(*nouns)

    def count(self, noun: str) -> int:
        return self.prompt.nouns.get(noun, 0)

    def tint(self, noun: str) -> Color | None:
        return self.prompt.tints.get(noun)


def subjects(scene: Scene) -> None:
    """Draw the subjects in the foreground."""
    canvas, palette, foot = scene.canvas, scene.palette, scene.canvas.height * 0.93
    if scene.has("whale"):
        animals.whale(canvas, palette, scene.horizon, scene.tint("whale"))
    if scene.has("heart"):
        objects.heart(canvas, palette, scene.tint("heart"))
    if scene.has("fire"):
        objects.fire(canvas, palette, foot)
    # The flowers of a blossoming tree are on the tree.
    for kind in ("sunflower", "poppy", "rose") if "blossom" in scene.prompt.details else plants.FLOWERS:
        if scene.has(kind):
            plants.flowers(canvas, palette, scene.count(kind), scene.tint(kind), kind)
    if scene.has("cup"):
        objects.cup(canvas, palette, foot, scene.tint("cup"))
    _creatures(scene, foot)


def _side_by_side(scene: Scene, foot: float) -> None:
    """Draw the front row of animals: each kind has a share of the width by its number."""
    cats = partial(animals.cats, asleep="asleep" in scene.prompt.details)
    row: dict[str, Callable[..., None]] = {
        "deer": animals.deer,
        "dog": animals.dogs,
        "fox": animals.foxes,
        "cat": cats,
    }
    heads = sum(scene.count(kind) for kind in row)
    left = 0.0
    for kind, draw in row.items():
        if count := scene.count(kind):
            right = left + count / heads
            draw(scene.canvas, scene.palette, foot, count, scene.tint(kind), span=(left, right))
            left = right


def _creatures(scene: Scene, foot: float) -> None:
    canvas, palette = scene.canvas, scene.palette
    _side_by_side(scene, foot)
    if scene.has("bird"):
        animals.birds(canvas, palette, scene.count("bird"), scene.tint("bird"), scene.horizon)
