"""Draw plants: forests, single trees, flowers, meadows."""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

import math

from gpu.sketch.canvas import Canvas, Pen, Point, oval, smooth
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette


def forest(canvas: Canvas, palette: Palette, top: float, color: Color | None = None) -> None:
    """Draw rows of trees, hazy behind and dark before, needle trees or round ones by the seed."""
    needles = canvas.chance(0.65)
    for row in range(4):
        nearness = (row + 0.5) / 4
        foot = top + (canvas.height - top) * (0.12 + 0.24 * row)
        height = canvas.unit * (0.13 + 0.1 * row)
        shade = mix(palette.land(nearness), palette.ink, 0.3 * nearness)
        shade = mix(shade, color, 0.55) if color else shade
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


def _round_trees(canvas: Canvas, palette: Palette, foot: float, height: float, shade: Color) -> None:
    """Draw a row of oval crowns, each its own tone, lit from one side."""
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
    """Draw a few firs to both sides, beside a house."""
    form = canvas.pen()
    for side in (0.14, 0.86):
        for _ in range(canvas.pick(2, 4)):
            x = canvas.width * (side + canvas.between(-0.12, 0.12))
            fir(form, x, foot + canvas.unit * canvas.between(-0.06, 0.02), canvas.unit * canvas.between(0.14, 0.27))
    shade = mix(palette.land(0.85), palette.ink, 0.55)
    canvas.wash(form, lighter(shade, 0.06), shade, grain=0.1)


def fir(form: Pen, x: float, foot: float, height: float, fill: Color | int = 255) -> None:
    """Draw a fir of stacked skirts, in a mask or a color."""
    form.rectangle(x - height * 0.025, foot - height * 0.2, x + height * 0.025, foot, fill)
    for i in range(5):
        top = foot - height * (1 - i * 0.17)
        wide = height * (0.07 + 0.045 * i)
        low = top + height * 0.27
        form.polygon([(x, top), (x + wide, low), (x, low - height * 0.03), (x - wide, low)], fill)


def trees(canvas: Canvas, palette: Palette, foot: float, count: int, color: Color | None) -> None:
    """Draw a few big trees with round crowns of three tones."""
    leaf = color or mix(palette.near, palette.accents[1], 0.35)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        height = canvas.unit * (canvas.between(0.5, 0.62) if count == 1 else canvas.between(0.3, 0.42))
        broadleaf(canvas, palette, x, foot + canvas.unit * canvas.between(0, 0.05), height, leaf)


def broadleaf(canvas: Canvas, palette: Palette, x: float, foot: float, height: float, leaf: Color) -> None:
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


SUNFLOWER: Color = (244, 184, 44)
POPPY: Color = (208, 52, 44)
FLOWERS = ("flower", "rose", "sunflower", "poppy")


def flowers(canvas: Canvas, palette: Palette, count: int, color: Color | None, kind: str) -> None:
    """Draw large flowers of one of the FLOWERS on curved stems in the foreground."""
    count = min(7, max(1, count))
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.35, 0.65)) / count)
        size = canvas.unit * (0.2 if count == 1 else canvas.between(0.085, 0.13))
        y = canvas.height * (canvas.between(0.36, 0.44) if count == 1 else canvas.between(0.35, 0.68))
        own = {"sunflower": SUNFLOWER, "poppy": POPPY}.get(kind, palette.accents[i % 2 if count > 1 else 0])
        _stem(canvas, palette, x, y, size)
        with canvas.sheet() as pen:
            _BLOOMS[kind](canvas, pen, x, y, size, color or own, palette)


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
    """Return a pointed leaf from (x, y) in the direction `turn`, in degrees clockwise from the right."""
    angle = math.radians(turn)
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shape = [(0.0, 0.0), (0.3, 0.17), (0.65, 0.15), (1.0, 0.0), (0.65, -0.15), (0.3, -0.17)]
    points = [
        (x + length * (u * along[0] + v * across[0]), y + length * (u * along[1] + v * across[1])) for u, v in shape
    ]
    return smooth(points, closed=True, steps=6)


def _bloom(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Color, palette: Palette) -> None:
    """Draw a daisy-like flower: two rounds of petals and a dotted heart."""
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


def _rose(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Color, _palette: Palette) -> None:
    """Draw overlapping petals that spiral inwards, lighter towards the heart."""
    start = canvas.between(0, 6)
    for i in range(22):
        share = 1 - i / 22
        angle, far = start + i * 2.4, size * 0.62 * share
        shade = lighter(petal, -0.14 + 0.24 * (1 - share) + (0.03 if i % 2 else -0.03))
        px, py = x + far * math.cos(angle), y + far * math.sin(angle) * 0.92
        pen.polygon(
            oval(px, py, size * (0.16 + 0.36 * share), size * (0.12 + 0.28 * share), math.degrees(angle) + 90), shade
        )


def _sunflower(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Color, _palette: Palette) -> None:
    """Draw two rounds of pointed petals and a large dark heart full of seeds."""
    start = canvas.between(0, 20)
    for ring, shade in enumerate((lighter(petal, -0.1), petal)):
        for i in range(18):
            turn = start + (i + ring / 2) * 20
            cx, cy = x + size * 0.38 * math.cos(math.radians(turn)), y + size * 0.38 * math.sin(math.radians(turn))
            pen.polygon(leaf_form(cx, cy, size * (0.78 - 0.1 * ring), turn), shade)
    heart = (92, 56, 36)
    pen.circle(x, y, size * 0.5, lighter(heart, -0.06))
    pen.circle(x, y, size * 0.43, heart)
    for i in range(40):
        far, angle = size * 0.4 * math.sqrt(i / 40), i * 2.4
        pen.circle(x + far * math.cos(angle), y + far * math.sin(angle), size * 0.028, lighter(heart, 0.14))


def _poppy(canvas: Canvas, pen: Pen, x: float, y: float, size: float, petal: Color, _palette: Palette) -> None:
    """Draw four broad overlapping petals and a black heart."""
    start = canvas.between(0, 90)
    for i, shade in enumerate((lighter(petal, -0.09), lighter(petal, -0.05), petal, lighter(petal, 0.04))):
        turn = math.radians(start + (0, 180, 90, 270)[i])
        cx, cy = x + size * 0.42 * math.cos(turn), y + size * 0.36 * math.sin(turn)
        pen.polygon(oval(cx, cy, size * 0.5, size * 0.62, math.degrees(turn)), shade)
    pen.circle(x, y, size * 0.27, (46, 30, 38))
    for i in range(12):
        angle = i * math.tau / 12
        pen.circle(x + size * 0.36 * math.cos(angle), y + size * 0.34 * math.sin(angle), size * 0.035, (46, 30, 38))
    pen.circle(x, y, size * 0.1, (128, 146, 92))


_BLOOMS = {"flower": _bloom, "rose": _rose, "sunflower": _sunflower, "poppy": _poppy}


def meadow(canvas: Canvas, palette: Palette, top: float, color: Color | None = None) -> None:
    """Draw grass blades and many small flowers, larger towards the viewer."""
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
            shade = color if color and canvas.chance(0.75) else palette.accents[canvas.pick(0, 2)]
            _dot_flower(pen, x, y, canvas.unit * (0.004 + 0.016 * near), shade, palette.light)


def _dot_flower(pen: Pen, x: float, y: float, size: float, petal: Color, heart: Color) -> None:
    for i in range(5):
        angle = i * math.tau / 5
        pen.circle(x + size * 0.75 * math.cos(angle), y + size * 0.55 * math.sin(angle), size * 0.55, petal)
    pen.circle(x, y, size * 0.42, heart)
