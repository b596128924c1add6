"""What grows: forests, single trees, flowers, roses, meadows, mushrooms. Knows no land and no sky."""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

import math

from gpu.sketch.canvas import Canvas, Pen, Point, oval, smooth
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.palette import Palette


def forest(canvas: Canvas, palette: Palette, top: float, colour: Colour | None = None) -> None:
    """Rows of trees, hazy behind and dark before, needle trees or round ones by the seed."""
    needles = canvas.chance(0.65)
    for row in range(4):
        nearness = (row + 0.5) / 4
        foot = top + (canvas.height - top) * (0.12 + 0.24 * row)
        height = canvas.unit * (0.13 + 0.1 * row)
        shade = mix(palette.land(nearness), palette.ink, 0.3 * nearness)
        shade = mix(shade, colour, 0.55) if colour else shade
        form = canvas.pen()
        if needles:
            _firs(canvas, form, foot, height)
        form.rectangle(0, foot, canvas.width, canvas.height)
        canvas.wash(form, shade, lighter(shade, 0.02), mix(shade, palette.sky[2], 0.3), grain=0.08)
        if not needles:
            _round_trees(canvas, palette, foot, height, shade)


def _firs(canvas: Canvas, form: Pen, foot: float, height: float) -> None:
    x = -height * 0.2
    while x < canvas.width + height * 0.2:
        tall = height * canvas.between(0.6, 1.15)
        fir(form, x, foot + canvas.unit * canvas.between(0, 0.03), tall)
        x += tall * canvas.between(0.2, 0.42)


def _round_trees(canvas: Canvas, palette: Palette, foot: float, height: float, shade: Colour) -> None:
    """A row of oval crowns, each its own tone, lit from one side."""
    x = -height * 0.1
    with canvas.sheet() as pen:
        while x < canvas.width + height * 0.2:
            tall, wide = height * canvas.between(0.75, 1.15), height * canvas.between(0.15, 0.21)
            leaf = lighter(mix(shade, palette.accents[canvas.pick(0, 1)], 0.28), canvas.between(-0.05, 0.05))
            pen.rectangle(x - tall * 0.02, foot - tall * 0.35, x + tall * 0.02, foot + tall * 0.06, palette.ink)
            pen.ellipse(x, foot - tall * 0.6, wide, tall * 0.4, leaf)
            pen.ellipse(x - wide * 0.2, foot - tall * 0.66, wide * 0.66, tall * 0.28, lighter(leaf, 0.045))
            x += tall * canvas.between(0.26, 0.5)


def copse(canvas: Canvas, palette: Palette, foot: float) -> None:
    """A few firs to both sides, as neighbours of a house."""
    form = canvas.pen()
    for side in (0.14, 0.86):
        for _ in range(canvas.pick(2, 4)):
            x = canvas.width * (side + canvas.between(-0.12, 0.12))
            fir(form, x, foot + canvas.unit * canvas.between(-0.06, 0.02), canvas.unit * canvas.between(0.14, 0.27))
    shade = mix(palette.land(0.85), palette.ink, 0.55)
    canvas.wash(form, lighter(shade, 0.06), shade, grain=0.1)


def fir(form: Pen, x: float, foot: float, height: float, fill: Colour | int = 255) -> None:
    """A fir of stacked skirts, in a mask or a colour."""
    form.rectangle(x - height * 0.025, foot - height * 0.2, x + height * 0.025, foot, fill)
    for i in range(5):
        top = foot - height * (1 - i * 0.17)
        wide = height * (0.07 + 0.045 * i)
        low = top + height * 0.27
        form.polygon([(x, top), (x + wide, low), (x, low - height * 0.03), (x - wide, low)], fill)


def trees(canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None) -> None:
    """A few big trees with round crowns of three tones."""
    leaf = colour or mix(palette.near, palette.accents[1], 0.35)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        height = canvas.unit * (canvas.between(0.5, 0.62) if count == 1 else canvas.between(0.3, 0.42))
        broadleaf(canvas, palette, x, foot + canvas.unit * canvas.between(0, 0.05), height, leaf)


def palms(canvas: Canvas, palette: Palette, foot: float, count: int) -> None:
    """Leaning palms, two at least, that frame the view."""
    green = mix(mix((60, 128, 84), palette.near, 0.3), palette.ink, 0.5 if palette.dark else 0.1)
    for i in range(max(2, min(4, count))):
        side = 1 if i % 2 else -1
        x, tall = canvas.width * (0.5 - side * canvas.between(0.26, 0.42)), canvas.unit * canvas.between(0.4, 0.62)
        top = (x + side * tall * canvas.between(0.12, 0.3), foot - tall)
        trunk, crown = canvas.pen(), canvas.pen()
        trunk.curve([(x, foot + tall * 0.06), (x + side * tall * 0.02, foot - tall * 0.5), top], tall * 0.05)
        canvas.wash(trunk, lighter(palette.ink, 0.16), lighter(palette.ink, 0.06), sideways=True)
        for turn in (-200, -165, -130, -95, -55, -20, 15):
            crown.polygon(_palm_leaf(*top, tall * canvas.between(0.36, 0.46), turn + canvas.between(-9, 9)))
        canvas.wash(crown, lighter(green, 0.07), green, lighter(green, -0.07), grain=0.1)


def _palm_leaf(x: float, y: float, length: float, turn: float) -> list[Point]:
    """A leaf that starts at (x, y) in the direction `turn` (degrees, clockwise from the right) and droops."""
    angle = math.radians(turn)
    droop = length * 0.42
    spine = [
        (t, x + length * t * math.cos(angle), y + length * t * math.sin(angle) + droop * t * t)
        for t in (0, 0.3, 0.6, 1)
    ]
    upper = [(px, py - length * 0.1 * t * (1 - t) * 2) for t, px, py in spine]
    lower = [(px, py + length * 0.14 * (1 - t) * (t > 0)) for t, px, py in spine]
    return smooth([*upper, *lower[:0:-1]], closed=True, steps=6)


def broadleaf(canvas: Canvas, palette: Palette, x: float, foot: float, height: float, leaf: Colour) -> None:
    trunk = canvas.pen()
    sides = [
        (x - height * 0.05, foot),
        (x - height * 0.022, foot - height * 0.3),
        (x - height * 0.02, foot - height * 0.6),
    ]
    others = [
        (x + height * 0.02, foot - height * 0.6),
        (x + height * 0.022, foot - height * 0.3),
        (x + height * 0.06, foot),
    ]
    trunk.polygon([*smooth(sides), *smooth(others)])
    for side in (-1, 1):
        trunk.curve(
            [
                (x, foot - height * 0.4),
                (x + side * height * 0.08, foot - height * 0.52),
                (x + side * height * 0.17, foot - height * 0.62),
            ],
            height * 0.02,
        )
    canvas.wash(trunk, palette.ink, lighter(palette.ink, 0.05))
    for lift, size, shade in ((0.62, 1.0, lighter(leaf, -0.12)), (0.67, 0.8, leaf), (0.73, 0.5, lighter(leaf, 0.09))):
        crown = canvas.pen()
        for _ in range(9):
            angle, far = canvas.between(0, math.tau), canvas.between(0.05, 0.22) * size * height
            cx, cy = (
                x + far * math.cos(angle) * 1.15 - (1 - size) * height * 0.1,
                foot - height * lift + far * math.sin(angle) * 0.8,
            )
            crown.circle(cx, cy, height * canvas.between(0.09, 0.15) * size)
        canvas.wash(crown, lighter(shade, 0.05), shade, grain=0.14)


def flowers(canvas: Canvas, palette: Palette, count: int, colour: Colour | None, rose: bool) -> None:
    """Large flowers on curved stems that stand in the foreground."""
    count = min(7, count if count > 1 else 1)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.35, 0.65)) / count)
        size = canvas.unit * (0.2 if count == 1 else canvas.between(0.085, 0.13))
        y = canvas.height * (canvas.between(0.36, 0.44) if count == 1 else canvas.between(0.35, 0.68))
        petal = colour or palette.accents[i % 2 if count > 1 else 0]
        _stem(canvas, palette, x, y, size)
        with canvas.sheet() as pen:
            if rose:
                _rose(canvas, pen, x, y, size, petal)
            else:
                _bloom(canvas, pen, x, y, size, petal, palette)


def _stem(canvas: Canvas, palette: Palette, x: float, y: float, size: float) -> None:
    green = mix(palette.near, (58, 120, 74), 0.6)
    bend = canvas.between(-0.5, 0.5) * size
    stem: list[Point] = [(x, y), (x + bend, (y + canvas.height) / 2), (x + bend * 0.4, canvas.height + 9)]
    form = canvas.pen()
    form.curve(stem, size * 0.09)
    for side in (-1, 1):
        lx, ly = x + bend, (y + canvas.height) / 2 + side * size * 0.4
        form.polygon(leaf_form(lx, ly, size * 0.95, -40 if side > 0 else 220))
    canvas.wash(form, lighter(green, 0.06), lighter(green, -0.08), grain=0.1)


def leaf_form(x: float, y: float, length: float, turn: float) -> list[Point]:
    """A pointed leaf that starts at (x, y) and points `turn` degrees from the right, clockwise."""
    angle = math.radians(turn)
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shape = [(0.0, 0.0), (0.3, 0.17), (0.65, 0.15), (1.0, 0.0), (0.65, -0.15), (0.3, -0.17)]
    points = [
        (x + length * (u * along[0] + v * across[0]), y + length * (u * along[1] + v * across[1])) for u, v in shape
    ]
    return smooth(points, closed=True, steps=6)


def _bloom(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Colour, palette: Palette) -> None:
    """A daisy-like flower: two rounds of petals and a dotted heart."""
    petals, start = canvas.pick(7, 11), canvas.between(0, 60)
    for ring, (reach, shade) in enumerate(((0.62, lighter(petal, -0.07)), (0.52, lighter(petal, 0.05)))):
        for i in range(petals):
            turn = start + (i + ring / 2) * 360 / petals
            px, py = x + size * reach * math.cos(math.radians(turn)), y + size * reach * math.sin(math.radians(turn))
            pen.polygon(oval(px, py, size * 0.48, size * 1.05 / petals * 1.6, turn), shade)
    heart = mix(palette.light, (226, 160, 60), 0.6)
    pen.circle(x, y, size * 0.3, lighter(heart, -0.18))
    pen.circle(x, y, size * 0.25, heart)
    for i in range(14):
        far, angle = size * 0.21 * math.sqrt(i / 14), i * 2.4
        pen.circle(x + far * math.cos(angle), y + far * math.sin(angle), size * 0.022, lighter(heart, -0.22))


def _rose(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Colour) -> None:
    """Overlapping petals that spiral inwards, lighter towards the heart."""
    start = canvas.between(0, 6)
    for i in range(22):
        share = 1 - i / 22
        angle, far = start + i * 2.4, size * 0.62 * share
        shade = lighter(petal, -0.14 + 0.24 * (1 - share) + (0.03 if i % 2 else -0.03))
        px, py = x + far * math.cos(angle), y + far * math.sin(angle) * 0.92
        pen.polygon(
            oval(px, py, size * (0.16 + 0.36 * share), size * (0.12 + 0.28 * share), math.degrees(angle) + 90), shade
        )


def meadow(canvas: Canvas, palette: Palette, top: float, colour: Colour | None = None) -> None:
    """Grass blades and many small flowers, larger towards the viewer."""
    blades = canvas.pen()
    for _ in range(170):
        near = canvas.between(0, 1)
        x, y = canvas.between(0, canvas.width), top + (canvas.height * 1.04 - top) * near
        tall = canvas.unit * (0.02 + 0.07 * near)
        blades.line([(x, y), (x + tall * canvas.between(-0.3, 0.3), y - tall)], canvas.unit * (0.002 + 0.003 * near))
    canvas.wash(blades, lighter(palette.near, 0.1), lighter(palette.near, -0.06))
    with canvas.sheet() as pen:
        for i in range(110):
            near = (i / 110) ** 1.6
            x, y = canvas.between(0, canvas.width), top + (canvas.height - top) * (0.04 + near)
            shade = colour if colour and canvas.chance(0.75) else palette.accents[canvas.pick(0, 2)]
            _dot_flower(pen, x, y, canvas.unit * (0.004 + 0.016 * near), shade, palette.light)


def _dot_flower(pen: Pen, x: float, y: float, size: float, petal: Colour, heart: Colour) -> None:
    for i in range(5):
        angle = i * math.tau / 5
        pen.circle(x + size * 0.75 * math.cos(angle), y + size * 0.55 * math.sin(angle), size * 0.55, petal)
    pen.circle(x, y, size * 0.42, heart)


def mushrooms(canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None) -> None:
    cap = colour or (198, 62, 48)
    for i in range(max(1, count)):
        x = canvas.width * ((i + canvas.between(0.35, 0.65)) / max(1, count))
        size = canvas.unit * (0.24 if count == 1 else canvas.between(0.1, 0.16))
        y = foot - size * 1.1
        stem = canvas.pen()
        stem.blob(
            [
                (x - size * 0.25, y),
                (x - size * 0.34, foot),
                (x, foot + size * 0.08),
                (x + size * 0.34, foot),
                (x + size * 0.25, y),
            ]
        )
        canvas.wash(stem, (214, 200, 176), (246, 238, 222), sideways=True, grain=0.1)
        hat = canvas.pen()
        hat.blob(
            [
                (x - size, y + size * 0.05),
                (x - size * 0.72, y - size * 0.6),
                (x, y - size * 0.9),
                (x + size * 0.72, y - size * 0.6),
                (x + size, y + size * 0.05),
                (x, y + size * 0.2),
            ]
        )
        canvas.wash(hat, lighter(cap, 0.08), cap, lighter(cap, -0.1), grain=0.12)
        with canvas.sheet() as pen:
            for dx, dy, r in (
                (-0.5, -0.22, 0.13),
                (0.05, -0.58, 0.15),
                (0.5, -0.2, 0.12),
                (0.0, -0.1, 0.1),
                (-0.22, -0.5, 0.07),
            ):
                pen.ellipse(x + dx * size, y + dy * size, r * size, r * size * 0.85, palette.paper)
