"""Abstract pictures by a free hand: bands, strokes, heights, cut paper. Knows no words.

Each style takes the paper, four shades and the ink.
"""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, Point
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.growth import leaf_form


def bands(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Flowing bands, one over the other, with a sun."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.25), brush=0.06)
    radius = canvas.unit * canvas.between(0.12, 0.2)
    x, y = canvas.width * canvas.between(0.2, 0.8), canvas.height * canvas.between(0.16, 0.32)
    canvas.disc(x, y, radius, shades[1])
    count = canvas.pick(6, 8)
    for i in range(count):
        base = canvas.height * (0.3 + 0.75 * i / count)
        line = _wave(canvas, base, canvas.unit * canvas.between(0.06, 0.14))
        form = canvas.pen()
        form.polygon([(0, canvas.height), *line, (canvas.width, canvas.height)])
        shade = mix(shades[i % len(shades)], ink, 0.08 * i)
        canvas.wash(form, lighter(shade, 0.09), lighter(shade, -0.04), grain=0.12, span=(base - radius, base + radius))


def _wave(canvas: Canvas, base: float, height: float) -> list[Point]:
    x = np.linspace(0, 1, 80)
    phases = canvas.rng.uniform(0, math.tau, 3)
    y = sum(
        w * np.sin(math.tau * f * x + p) for f, w, p in zip((0.7, 1.3, 2.1), (0.6, 0.35, 0.15), phases, strict=True)
    )
    return list(zip((x * canvas.width).tolist(), (base + height * np.asarray(y)).tolist(), strict=True))


def strokes(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Broad dry brush strokes that follow a flow, with a few drops."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.12), brush=0.05)
    angle, bend = canvas.between(0, math.tau), canvas.between(1.5, 3.5)
    for i in range(15):
        colour = ink if i in (6, 12) else shades[i % len(shades)]
        _stroke(canvas, colour, angle, bend, canvas.unit * (canvas.between(0.05, 0.1) if i < 11 else 0.025))
    with canvas.sheet() as pen:
        for _ in range(22):
            pen.circle(
                canvas.between(0, canvas.width),
                canvas.between(0, canvas.height),
                canvas.unit * canvas.between(0.002, 0.009),
                shades[canvas.pick(0, len(shades) - 1)],
            )


def _stroke(canvas: Canvas, colour: Colour, angle: float, bend: float, wide: float) -> None:
    x, y = canvas.between(-0.1, 1.1), canvas.between(-0.1, 1.1)
    path: list[Point] = []
    for _ in range(11):
        path.append((x * canvas.width, y * canvas.height))
        turn = angle + bend * math.sin(2.6 * x + 1.7 * y)
        x, y = x + 0.06 * math.cos(turn), y + 0.06 * math.sin(turn)
    form = canvas.pen()
    for hair in np.linspace(-1, 1, 17).tolist():
        lift = canvas.rng.normal(0, wide * 0.05, 2)
        begin, end = canvas.pick(0, 2), canvas.pick(8, 11)
        form.curve(
            [(px + float(lift[0]), py + hair * wide + float(lift[1])) for px, py in path[begin:end]],
            wide * canvas.between(0.07, 0.16),
        )
    canvas.wash(form, lighter(colour, 0.06), colour, lighter(colour, -0.06), grain=0.14, sideways=True)


def contours(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Layers of cut paper like a map's heights, each with its shadow."""
    small = canvas.rng.random((5, 5)).astype(np.float32)
    size = (canvas.width, canvas.height)
    heights = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
    canvas.wash(None, lighter(shades[0], -0.08), shades[0], grain=0.1)
    tones = [shades[0], mix(shades[0], shades[1], 0.5), shades[1], shades[2], mix(shades[2], paper, 0.5), paper]
    for i, tone in enumerate(tones[1:], 1):
        level = float(np.quantile(heights, i / len(tones)))
        soft = np.clip((heights - level) * canvas.unit * 0.9, 0, 1)
        mask = Image.fromarray((soft * 255).astype(np.uint8))
        drop = round(canvas.unit * 0.012)
        canvas.image.paste(mix(tones[i - 1], ink, 0.45), (drop, drop), mask.point(lambda value: value * 0.55))
        plain = np.array(tone, np.float32) + canvas.rng.normal(0, 3.5, (*heights.shape, 1))
        canvas.image.paste(Image.fromarray(np.clip(plain, 0, 255).astype(np.uint8)), (0, 0), mask)


def cutouts(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Cut-paper leaves and pebbles on blocks of colour, after Matisse."""
    canvas.wash(None, paper, grain=0.06)
    columns, rows = 2, 3 if canvas.height >= canvas.width else 2
    wide, tall = canvas.width / columns, canvas.height / rows
    pool = [*shades, paper, ink]
    for cell in range(columns * rows):
        left, top = (cell % columns) * wide, (cell // columns) * tall
        back, fore = (pool[i] for i in canvas.rng.choice(len(pool), 2, replace=False))
        block = canvas.pen()
        block.rectangle(left, top, left + wide, top + tall)
        canvas.wash(block, back, lighter(back, -0.03), grain=0.12)
        form = canvas.pen()
        if canvas.chance(0.6):
            _frond(canvas, form.polygon, left + wide / 2, top + tall * 0.92, min(wide, tall) * 0.82)
        else:
            _pebbles(canvas, form.blob, left, top, wide, tall)
        canvas.wash(form, lighter(fore, 0.05), fore, grain=0.12)


def _frond(canvas: Canvas, draw: Callable[[Sequence[Point]], None], x: float, y: float, size: float) -> None:
    lean = canvas.between(-14, 14)
    for i in range(5):
        at = (x + size * 0.15 * i * math.sin(math.radians(lean)), y - size * (0.1 + 0.15 * i))
        for side in (-1, 1):
            draw(leaf_form(*at, size * (0.48 - 0.05 * i), -90 + lean + side * (62 - 7 * i)))
    draw(leaf_form(x + size * 0.1 * math.sin(math.radians(lean)), y, size * 1.05, -90 + lean))


def _pebbles(
    canvas: Canvas, draw: Callable[[Sequence[Point]], None], left: float, top: float, wide: float, tall: float
) -> None:
    for i in range(3):
        cx, cy = left + wide * canvas.between(0.3, 0.7), top + tall * (0.22 + 0.28 * i)
        spread = canvas.rng.uniform(0.75, 1.2, 7)
        draw(
            [
                (cx + wide * 0.24 * float(s) * math.cos(a), cy + tall * 0.12 * float(s) * math.sin(a))
                for s, a in zip(spread, np.linspace(0, math.tau, 8)[:7].tolist(), strict=True)
            ]
        )
