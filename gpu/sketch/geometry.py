"""Abstract pictures by ruler and compass: rings, tiles, glass, rays. Knows no words.

Each style takes the paper, four shades and the ink.
"""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

import math

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, oval, smooth
from gpu.sketch.colour import Colour, lighter, mix


def rings(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """A grid of squares with rings inside each, after Kandinsky."""
    canvas.wash(None, paper, grain=0.05)
    columns = canvas.pick(3, 4)
    cell = canvas.width / columns
    rows = max(1, round(canvas.height / cell))
    tall = canvas.height / rows
    for row in range(rows):
        for column in range(columns):
            _ringed_square(canvas, column * cell, row * tall, cell, tall, [*shades, paper, ink])


def _ringed_square(canvas: Canvas, left: float, top: float, wide: float, tall: float, colours: list[Colour]) -> None:
    order = [colours[i] for i in canvas.rng.permutation(len(colours))]
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


def glass(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Stained glass: cells round random points, lighter to one side, with leaded edges."""
    scale = 2 if canvas.width * canvas.height <= 640 * 640 else 1
    wide, tall = canvas.width * scale // 2, canvas.height * scale // 2
    count = canvas.pick(26, 40)
    points = canvas.rng.random((count, 2)) * (wide, tall)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    near, second, owner = (
        np.full((tall, wide), 1e9, np.float32),
        np.full((tall, wide), 1e9, np.float32),
        np.zeros((tall, wide), np.intp),
    )
    for i, (px, py) in enumerate(points.astype(np.float32)):
        far = np.hypot(x - px, y - py)
        closer = far < near
        second = np.where(closer, near, np.minimum(second, far))
        owner[closer] = i
        np.minimum(near, far, out=near)
    pool = [*shades, *(lighter(s, 0.1) for s in shades), *(lighter(s, -0.1) for s in shades), paper]
    table = np.array([pool[canvas.pick(0, len(pool) - 1)] for _ in range(count)], np.float32)
    light = 0.9 + 0.22 * (points[:, 1][owner] - y) / tall + 0.25 * (points[:, 0][owner] - x) / wide
    colours = table[owner] * light[..., None].astype(np.float32)
    colours += canvas.rng.normal(0, 5, (tall, wide, 1)).astype(np.float32)
    lead = np.clip((second - near) / (min(wide, tall) * 0.012) - 0.6, 0, 1)[..., None]
    colours = np.array(ink, np.float32) * (1 - lead) + colours * lead
    image = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    canvas.image = image.resize((canvas.width, canvas.height), Image.Resampling.BICUBIC)


def tiles(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Quarter circles, half circles and bars on a grid, after the Bauhaus."""
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


def rays(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Rays from a disc, as on a matchbox."""
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
    radius = canvas.unit * canvas.between(0.2, 0.27)
    for share, colour in ((1.35, ink), (1.25, paper), (1.0, shades[2]), (0.7, shades[3]), (0.38, paper)):
        canvas.disc(x, y, radius * share, colour)


def free(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Discs, lines, wedges and an arc in balance round a centre, after Kandinsky and El Lissitzky."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.16), grain=0.08, brush=0.06)
    u, w, h = canvas.unit, canvas.width, canvas.height
    x, y = w * canvas.between(0.35, 0.65), h * canvas.between(0.35, 0.6)
    canvas.disc(x, y, u * canvas.between(0.2, 0.27), shades[0])
    canvas.disc(x + u * canvas.between(-0.3, 0.3), y + u * canvas.between(0.1, 0.25), u * 0.13, shades[1])
    wedge, angle = canvas.pen(), canvas.between(0, math.tau)
    wedge.polygon(
        [(x + u * 0.62 * math.cos(angle + d), y + u * 0.62 * math.sin(angle + d)) for d in (0, 0.3)]
        + [(x - u * 0.1 * math.cos(angle), y - u * 0.1 * math.sin(angle))]
    )
    canvas.wash(wedge, shades[2], lighter(shades[2], 0.1), strength=0.9)
    with canvas.sheet() as pen:
        for i in range(4):
            far, shift = u * 0.8, u * 0.035 * i
            pen.line(
                [
                    (x - far * math.cos(angle + 1.2) + shift, y - far * math.sin(angle + 1.2)),
                    (x + far * math.cos(angle + 1.2) + shift, y + far * math.sin(angle + 1.2)),
                ],
                u * 0.006,
                ink,
            )
        pen.curve(
            smooth(
                [
                    (w * 0.06, h * canvas.between(0.6, 0.9)),
                    (w * 0.3, h * canvas.between(0.5, 0.95)),
                    (w * 0.6, h * canvas.between(0.6, 0.95)),
                    (w * 0.94, h * canvas.between(0.55, 0.9)),
                ]
            ),
            u * 0.014,
            ink,
        )
        for i in range(7):
            px, py = w * canvas.between(0.08, 0.92), h * canvas.between(0.08, 0.92)
            pen.circle(px, py, u * canvas.between(0.012, 0.04), [*shades, ink][i % (len(shades) + 1)])
        pen.ring(x - u * 0.25, y - u * 0.2, u * 0.1, u * 0.012, ink)
        left, top = w * canvas.between(0.7, 0.8), h * canvas.between(0.08, 0.2)
        for i in range(12):
            pen.rectangle(
                left + (i % 4) * u * 0.045,
                top + (i // 4) * u * 0.045,
                left + (i % 4 + 1) * u * 0.045,
                top + (i // 4 + 1) * u * 0.045,
                ink if (i + i // 4) % 2 else shades[3],
            )
