"""A scene and its subjects: what was read, where the horizon is, and who stands nearest to us. Knows no land."""

from __future__ import annotations

from dataclasses import dataclass

from gpu.sketch import animals, growth, things
from gpu.sketch.canvas import Canvas
from gpu.sketch.colour import Colour
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


def _creatures(scene: Scene, foot: float) -> None:
    canvas, palette = scene.canvas, scene.palette
    dogs, cats = scene.count("dog"), scene.count("cat")
    border = dogs / max(1, dogs + cats)  # side by side: dogs this far from the left, then cats
    if dogs:
        animals.dogs(canvas, palette, foot, dogs, scene.tint("dog"), span=(0, border))
    if cats:
        animals.cats(canvas, palette, foot, cats, scene.tint("cat"), span=(border, 1))
    if scene.has("bird"):
        animals.birds(canvas, palette, scene.count("bird"), scene.tint("bird"), scene.horizon)
