"""Choose the kind of scene for the nouns: a landscape, space, under water, or a still life."""

from __future__ import annotations

from dataclasses import replace

from gpu.sketch import animals, land, sky
from gpu.sketch.canvas import Canvas
from gpu.sketch.color import lighter, mix
from gpu.sketch.foreground import Scene, subjects
from gpu.sketch.landscape import landscape
from gpu.sketch.palette import Palette
from gpu.sketch.prompt_parser import ParsedPrompt

_WATERS = ("sea", "lake", "whale", "boat", "lighthouse")
_LANDS = ("hill", "forest", "city", "desert", "garden", "road", "river", "house", "castle", "tower")
_STILL = ("heart", "cup", "rose", "flower", "sunflower", "poppy")


def compose(canvas: Canvas, prompt: ParsedPrompt, palette: Palette) -> None:
    """Draw the scene of a prompt with at least one noun."""
    scene = Scene(canvas, prompt, palette, canvas.height * canvas.between(0.54, 0.64))
    if prompt.has("fish") and not prompt.has("boat", "lake", "river", "house", "cat"):
        _under_water(scene)
    elif prompt.has("galaxy") and not prompt.has(*_LANDS, *_WATERS, "mountain"):
        _space(scene)
    elif set(prompt.nouns) <= set(_STILL) and not prompt.moods:
        _still_life(scene)
    else:
        landscape(scene)


def _under_water(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    far, near = palette.water
    canvas.wash(None, lighter(far, 0.16), far, near, lighter(near, -0.1), grain=0.08, brush=0.06)
    for _ in range(5):
        x, wide = canvas.width * canvas.between(0, 1), canvas.unit * canvas.between(0.04, 0.12)
        shaft = canvas.pen()
        shaft.polygon([(x, 0), (x + wide, 0), (x + wide * 3, canvas.height), (x + wide * 0.5, canvas.height)])
        canvas.wash(shaft, (255, 255, 245), strength=0.1)
    land.hills(canvas, _sea_floor(palette), canvas.height * 0.8, 2)
    weeds = canvas.pen()
    for _ in range(14):
        x, tall = canvas.width * canvas.between(0, 1), canvas.unit * canvas.between(0.1, 0.3)
        sway = canvas.unit * canvas.between(-0.04, 0.04)
        foot = canvas.height * 1.01
        weeds.curve(
            [(x, foot), (x + sway, foot - tall * 0.4), (x - sway, foot - tall * 0.7), (x + sway, foot - tall)],
            canvas.unit * 0.014,
        )
    canvas.wash(weeds, mix(palette.near, near, 0.3), palette.ink)
    animals.bubbles(canvas, (244, 252, 250))
    animals.fishes(canvas, palette, scene.count("fish"), scene.tint("fish"))


def _sea_floor(palette: Palette) -> Palette:
    near = palette.water[1]
    return replace(palette, far=mix(near, palette.near, 0.3), near=mix(lighter(near, -0.14), palette.ink, 0.4))


def _space(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    canvas.wash(None, *palette.sky, grain=0.06)
    sky.galaxy(canvas, palette)
    sky.stars(canvas, palette, 130, canvas.height)
    if scene.has("moon"):
        sky.moon(canvas, canvas.width * 0.78, canvas.height * 0.22, canvas.unit * 0.08, palette.light, False)
    subjects(scene)


def _still_life(scene: Scene) -> None:
    """Draw one thing before a plain wall with a large disc, on a table if it needs to stand."""
    canvas, palette = scene.canvas, scene.palette
    wall = mix(palette.sky[2], palette.sky[1], canvas.between(0.1, 0.9))
    canvas.wash(None, wall, lighter(wall, -0.05), grain=0.1, brush=0.05)
    x, radius = canvas.width * canvas.between(0.38, 0.62), canvas.unit * canvas.between(0.3, 0.38)
    canvas.disc(x, canvas.height * 0.44, radius, mix(palette.sky[0], palette.light, canvas.between(0, 0.8)))
    if scene.has("cup"):
        table = canvas.pen()
        edge = canvas.height * canvas.between(0.7, 0.78)
        table.rectangle(0, edge, canvas.width, canvas.height)
        canvas.wash(table, lighter(palette.near, 0.06), palette.near, grain=0.1, brush=0.08)
    subjects(scene)
