"""A scene and its subjects: what was read, where the horizon is, and who stands nearest to us. Knows no land."""

from __future__ import annotations

from dataclasses import dataclass

from gpu.sketch import animals, growth, things
from gpu.sketch.canvas import Canvas
from gpu.sketch.colour import Colour
from gpu.sketch.fox import foxes
from gpu.sketch.palette import Palette
from gpu.sketch.words import Reading


@dataclass
class Scene:
    """A picture being composed: the horizon in pixels from the top, and where the light is, if there is one."""

    canvas: Canvas
    reading: Reading
    palette: Palette
    horizon: float
    light: float | None = None

    def has(self, *nouns: str) -> bool:
        return self.reading.has(*nouns)

    def count(self, noun: str) -> int:
        return self.reading.nouns.get(noun, 0)

    def tint(self, noun: str) -> Colour | None:
        return self.reading.tints.get(noun)


def subjects(scene: Scene) -> None:
    """What stands nearest to us."""
    canvas, palette, foot = scene.canvas, scene.palette, scene.canvas.height * 0.93
    if scene.has("whale"):
        animals.whale(canvas, palette, scene.horizon, scene.tint("whale"))
    if scene.has("heart"):
        things.heart(canvas, palette, scene.tint("heart"))
    if scene.has("umbrella"):
        things.umbrella(canvas, palette, foot, scene.tint("umbrella"))
    if scene.has("fire"):
        things.fire(canvas, palette, foot)
    if scene.has("mushroom"):
        growth.mushrooms(canvas, palette, foot, scene.count("mushroom"), scene.tint("mushroom"))
    if scene.has("flower", "rose"):
        count = max(scene.count("flower"), scene.count("rose"))
        growth.flowers(canvas, palette, count, scene.tint("flower") or scene.tint("rose"), scene.has("rose"))
    if scene.has("cup"):
        things.cup(canvas, palette, foot, scene.tint("cup"))
    if scene.has("apple"):
        things.apples(canvas, palette, foot, scene.count("apple"), scene.tint("apple"))
    _creatures(scene, foot)


def _side_by_side(scene: Scene, foot: float) -> None:
    """Who sits in the front row: each kind has as much of the width as it has heads."""
    row = {"dog": animals.dogs, "fox": foxes, "cat": animals.cats}
    heads = sum(scene.count(kind) for kind in row)
    left = 0.0
    for kind, sit in row.items():
        if count := scene.count(kind):
            right = left + count / heads
            sit(scene.canvas, scene.palette, foot, count, scene.tint(kind), span=(left, right))
            left = right


def _creatures(scene: Scene, foot: float) -> None:
    canvas, palette = scene.canvas, scene.palette
    _side_by_side(scene, foot)
    if scene.has("bird"):
        animals.birds(canvas, palette, scene.count("bird"), scene.tint("bird"), scene.horizon)
