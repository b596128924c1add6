"""Abstract pictures, for prompts without a known word: the prompt's hash chooses style and colors.

Each style takes the paper, four shades and the ink.
"""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, Point, oval
from gpu.sketch.color import Color, lighter, mix, rgb, turned

# Paper first, ink last: palettes as of a risograph or a lithograph.
_INKS = tuple(
    tuple(rgb(code) for code in line.split())
    for line in (
        "F4EBDC E4572E F2A541 2E86AB 8CC0B8 1B2A41", "F6EFE2 D1495B EDAE49 00798C 8FB9AA 2A2D43",
        "EFE6D5 264653 2A9D8F E9C46A E76F51 1A2E35", "F7F0E6 6D597A B56576 E88C7D EAC391 355070",
        "FBF3E4 F25F5C FFE066 247BA0 70C1B3 32313B", "F1E9DA 2F4858 33658A F6AE2D F26419 16222C",
        "F5E9E2 773344 E3B5A4 D44D5C 5B8E7D 0B0014", "EDE7DC 386641 6A994E F2C14E BC4749 1E2D24",
        "F8F1E7 3D348B 7678ED F7B801 F35B04 1D1A3A", "F3EADF 9C6644 DDB892 7F5539 588157 3A2618",
        "EAF0EC 05668D 02A9A0 F0C987 F26157 0B2F3F", "F9EDEA C9184A FF758F FFC2B4 8F2D56 35182B",
        "17203A F4D35E EE964B F95738 4C86A8 F7F0E3", "201A2B FF6F59 43AA8B F0C808 7B6BC9 FAF3E3",
        "0F2B33 F2E8CF 5FB49C F08A4B DE3C4B FBF6E8", "F2EFE6 111D4A 3F88C5 FFBA08 D00000 1C1C28",
    )
)  # fmt: skip


def abstract(canvas: Canvas, number: int, named: Sequence[Color]) -> None:
    """Draw the composition of a number, which chooses style and inks. Named colors replace the inks."""
    inks = list(_INKS[(number // len(_STYLES)) % len(_INKS)])
    if named:
        inks = _named_inks(inks, named)
    shade = list(inks[1:-1])
    turn = canvas.pick(0, len(shade) - 1)
    _STYLES[number % len(_STYLES)](canvas, inks[0], [*shade[turn:], *shade[:turn]], inks[-1])


def _named_inks(inks: list[Color], named: Sequence[Color]) -> list[Color]:
    """Return inks around named colors: tinted paper and ink, and the named colors with their shades between."""
    family = [color for name in named for color in (name, lighter(name, 0.14), lighter(name, -0.13))]
    shades = list(named[:4]) + [color for color in family if color not in named]
    return [mix(inks[0], named[0], 0.12), *shades[:3], turned(named[0], 40), mix(inks[-1], named[0], 0.15)]


def rings(canvas: Canvas, paper: Color, shades: list[Color], ink: Color) -> None:
    """Draw a grid of squares with rings inside each, after Kandinsky."""
    canvas.wash(None, paper, grain=0.05)
    columns = canvas.pick(3, 4)
    cell = canvas.width / columns
    rows = max(1, round(canvas.height / cell))
    tall = canvas.height / rows
    for row in range(rows):
        for column in range(columns):
            _ringed_square(canvas, column * cell, row * tall, cell, tall, [*shades, paper, ink])


def _ringed_square(canvas: Canvas, left: float, top: float, wide: float, tall: float, colors: list[Color]) -> None:
    order = [colors[i] for i in canvas.rng.permutation(len(colors))]
    x, y = left + wide * canvas.between(0.46, 0.54), top + tall * canvas.between(0.46, 0.54)
    square = canvas.pen()
    square.rectangle(left, top, left + wide, top + tall)
    canvas.wash(square, lighter(order[0], 0.04), lighter(order[0], -0.03), grain=0.15)
    with canvas.sheet() as pen:
        radius = min(wide, tall) * 0.46
        for i in range(canvas.pick(3, 4)):
            wobble = [
                (px + radius * 0.02 * float(n), py)
                for (px, py), n in zip(oval(x, y, radius, radius)[::6], canvas.rng.normal(0, 1, 8), strict=True)
            ]
            pen.blob(wobble, order[1 + i])
            radius *= canvas.between(0.62, 0.78)


def tiles(canvas: Canvas, paper: Color, shades: list[Color], ink: Color) -> None:
    """Draw quarter circles, half circles and bars on a grid, after the Bauhaus."""
    canvas.wash(None, paper, grain=0.05)
    columns = canvas.pick(4, 5)
    cell = canvas.width / columns
    rows = math.ceil(canvas.height / cell)
    pool = [*shades, ink, paper, paper]
    with canvas.sheet() as pen:
        for row in range(rows):
            for column in range(columns):
                left, top = column * cell, row * cell
                back, fore, third = (pool[i] for i in canvas.rng.choice(len(pool), 3, replace=False))
                pen.rectangle(left, top, left + cell, top + cell, back)
                kind, corner = canvas.pick(0, 6), canvas.pick(0, 3)
                cx, cy = left + cell * (corner % 2), top + cell * (corner // 2)
                start = (0, 90, 270, 180)[corner]
                if kind <= 2:
                    pen.arc(cx, cy, cell * 0.995, start, start + 90, fore)
                    pen.arc(cx, cy, cell * 0.5, start, start + 90, third)
                elif kind == 3:
                    pen.circle(left + cell / 2, top + cell / 2, cell * 0.36, fore)
                elif kind == 4:
                    pen.polygon([(left, top), (left + cell, top), (left, top + cell)], fore)
                elif kind == 5:
                    for bar in range(3):
                        pen.rectangle(
                            left, top + cell * (bar + 0.5) / 3.5, left + cell, top + cell * (bar + 1) / 3.5, fore
                        )


def rays(canvas: Canvas, paper: Color, shades: list[Color], ink: Color) -> None:
    """Draw rays from a disc, as on a matchbox."""
    x, y = canvas.width * canvas.between(0.3, 0.7), canvas.height * canvas.between(0.5, 0.8)
    canvas.wash(None, paper, mix(paper, shades[0], 0.3), grain=0.1)
    count, start, far = canvas.pick(9, 14), canvas.between(0, 1), 2.0 * (canvas.width + canvas.height)
    for tone in (0, 1):
        form = canvas.pen()
        for i in range(tone, count * 2, 4):
            one, two = (math.tau * (start + (i + k) / (count * 2)) for k in (0, 1))
            form.polygon(
                [
                    (x, y),
                    (x + far * math.cos(one), y + far * math.sin(one)),
                    (x + far * math.cos(two), y + far * math.sin(two)),
                ]
            )
        canvas.wash(form, shades[tone], mix(shades[tone], paper, 0.35), grain=0.12)
    radius, rings = canvas.unit * canvas.between(0.2, 0.27), canvas.pick(1, 3)
    if canvas.chance(0.6):
        canvas.disc(x, y, radius * 1.35, ink)
        canvas.disc(x, y, radius * 1.25, paper)
    for i, color in enumerate((shades[2], shades[3], paper)[:rings]):
        canvas.disc(x, y, radius * (1 - 0.31 * i), color)


def bands(canvas: Canvas, paper: Color, shades: list[Color], ink: Color) -> None:
    """Draw flowing bands, one over the other, with a sun."""
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


def contours(canvas: Canvas, paper: Color, shades: list[Color], ink: Color) -> None:
    """Draw layers of cut paper like a map's heights, each with its shadow."""
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


_STYLES = (bands, rings, tiles, contours, rays)
