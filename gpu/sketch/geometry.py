"""Abstract pictures by ruler and compass: rings, tiles, glass, rays. Knows no words.

Each style takes the paper, four shades and the ink.
"""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

import math

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, Pen, Point, oval, smooth
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
    """Stained glass: cells round scattered points, leaded, with light falling from one corner."""
    canvas.wash(None, ink, lighter(ink, 0.05))
    points = _scattered(canvas, canvas.pick(24, 38))
    pool = [*shades, *(lighter(s, 0.09) for s in shades), *(lighter(s, -0.08) for s in shades), paper]
    lead = canvas.unit * 0.007
    with canvas.sheet() as pen:
        for i, point in enumerate(points):
            cell = _cell(canvas, point, [*points[:i], *points[i + 1 :]], lead)
            if len(cell) > 2:
                pen.polygon(cell, pool[canvas.pick(0, len(pool) - 1)])
    _slanting_light(canvas)


def _scattered(canvas: Canvas, count: int) -> list[Point]:
    """Random points that keep some distance: each is the loneliest of a few candidates."""
    points: list[Point] = []
    for _ in range(count):
        drawn = canvas.rng.random((6, 2)) * (canvas.width, canvas.height)
        candidates: list[Point] = [(float(x), float(y)) for x, y in drawn]
        points.append(max(candidates, key=lambda c: min((math.dist(c, p) for p in points), default=0.0)))
    return points


def _cell(canvas: Canvas, point: Point, others: list[Point], lead: float) -> list[Point]:
    """What is nearer to `point` than to the others, less half the lead between them."""
    w, h = canvas.width, canvas.height
    cell: list[Point] = [(0, 0), (w, 0), (w, h), (0, h)]
    for other in sorted(others, key=lambda other: math.dist(point, other))[:16]:
        far = math.dist(point, other)
        across = ((other[0] - point[0]) / far, (other[1] - point[1]) / far)
        cell = _clipped(cell, point, across, far / 2 - lead)
    return cell


def _clipped(cell: list[Point], origin: Point, across: Point, reach: float) -> list[Point]:
    """The part of a convex polygon that lies less than `reach` from `origin` in the direction `across`."""
    beyond = [(x - origin[0]) * across[0] + (y - origin[1]) * across[1] - reach for x, y in cell]
    kept: list[Point] = []
    for i, (x, y) in enumerate(cell):
        j = (i + 1) % len(cell)
        if beyond[i] <= 0:
            kept.append((x, y))
        if beyond[i] * beyond[j] < 0:
            share = beyond[i] / (beyond[i] - beyond[j])
            kept.append((x + share * (cell[j][0] - x), y + share * (cell[j][1] - y)))
    return kept


def _slanting_light(canvas: Canvas) -> None:
    x, y = np.linspace(0, 1, canvas.width, dtype=np.float32), np.linspace(0, 1, canvas.height, dtype=np.float32)
    light = 1.13 - 0.2 * x[None, :, None] - 0.16 * y[:, None, None]
    speckled = light + canvas.rng.normal(0, 0.02, (canvas.height, canvas.width, 1)).astype(np.float32)
    pixels = np.asarray(canvas.image, np.float32) * speckled
    canvas.image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


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
    radius, rings = canvas.unit * canvas.between(0.2, 0.27), canvas.pick(1, 3)
    if canvas.chance(0.6):
        canvas.disc(x, y, radius * 1.35, ink)
        canvas.disc(x, y, radius * 1.25, paper)
    for i, colour in enumerate((shades[2], shades[3], paper)[:rings]):
        canvas.disc(x, y, radius * (1 - 0.31 * i), colour)


def free(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Discs, lines, wedges and an arc in balance round a centre, after Kandinsky and El Lissitzky."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.16), grain=0.08, brush=0.06)
    u, w, h = canvas.unit, canvas.width, canvas.height
    x, y, angle = w * canvas.between(0.35, 0.65), h * canvas.between(0.35, 0.6), canvas.between(0, math.tau)
    canvas.disc(x, y, u * canvas.between(0.2, 0.27), shades[0])
    canvas.disc(x + u * canvas.between(-0.3, 0.3), y + u * canvas.between(0.1, 0.25), u * 0.13, shades[1])
    wedge = canvas.pen()
    wedge.polygon([_away(x, y, u * 0.62, angle), _away(x, y, u * 0.62, angle + 0.3), _away(x, y, -u * 0.1, angle)])
    canvas.wash(wedge, shades[2], lighter(shades[2], 0.1), strength=0.9)
    with canvas.sheet() as pen:
        for i in range(4):
            shift = x + u * 0.035 * i
            pen.line([_away(shift, y, far, angle + 1.2) for far in (-u * 0.8, u * 0.8)], u * 0.006, ink)
        swing = [(w * place, h * canvas.between(0.55, 0.93)) for place in (0.06, 0.3, 0.6, 0.94)]
        pen.line(smooth(swing), u * 0.014, ink)
        for shade in (*shades, ink, *shades[:2]):
            px, py = w * canvas.between(0.08, 0.92), h * canvas.between(0.08, 0.92)
            pen.circle(px, py, u * canvas.between(0.012, 0.04), shade)
        pen.ring(x - u * 0.25, y - u * 0.2, u * 0.1, u * 0.012, ink)
        _chequers(pen, w * canvas.between(0.05, 0.78), h * canvas.between(0.06, 0.2), u * 0.045, (ink, shades[3]))


def _away(x: float, y: float, far: float, angle: float) -> Point:
    return x + far * math.cos(angle), y + far * math.sin(angle)


def _chequers(pen: Pen, left: float, top: float, side: float, pair: tuple[Colour, Colour]) -> None:
    for i in range(12):
        x, y = left + (i % 4) * side, top + (i // 4) * side
        pen.rectangle(x, y, x + side, y + side, pair[(i + i // 4) % 2])
