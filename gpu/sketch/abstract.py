"""Pictures of no known thing: compositions of flat forms, in a style chosen by the prompt's number.

Knows no words: it is given a number, and colours from a palette of its own or from the prompt.
"""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, Point, oval, smooth
from gpu.sketch.colour import Colour, lighter, mix, rgb, turned
from gpu.sketch.growth import leaf_form

# Paper first, ink last. Five or six colours that a risograph or a lithographer could have chosen.
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


def abstract(canvas: Canvas, number: int, named: Sequence[Colour]) -> None:
    """A composition for `number`: its digits choose the style and the inks; named colours replace the inks."""
    inks = list(_INKS[(number // len(_STYLES)) % len(_INKS)])
    if named:
        inks = _named_inks(inks, named)
    shade = list(inks[1:-1])
    turn = canvas.pick(0, len(shade) - 1)
    _STYLES[number % len(_STYLES)](canvas, inks[0], [*shade[turn:], *shade[:turn]], inks[-1])


def _named_inks(inks: list[Colour], named: Sequence[Colour]) -> list[Colour]:
    """Paper and ink take a breath of the first colour; the four between are the named ones and relatives."""
    family = [colour for name in named for colour in (name, lighter(name, 0.14), lighter(name, -0.13))]
    shades = list(named[:4]) + [colour for colour in family if colour not in named]
    return [mix(inks[0], named[0], 0.12), *shades[:3], turned(named[0], 40), mix(inks[-1], named[0], 0.15)]


def _bands(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Flowing bands, one over the other, with a sun."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.25), brush=0.06)
    radius = canvas.unit * canvas.between(0.12, 0.2)
    x, y = canvas.width * canvas.between(0.2, 0.8), canvas.height * canvas.between(0.16, 0.32)
    _disc(canvas, x, y, radius, shades[1])
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


def _disc(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    form = canvas.pen()
    form.circle(x, y, radius)
    canvas.wash(form, lighter(colour, 0.07), colour, lighter(colour, -0.07), grain=0.12)


def _rings(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _glass(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _strokes(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _tiles(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _contours(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _rays(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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
        _disc(canvas, x, y, radius * share, colour)


def _cutouts(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def _free(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Discs, lines, wedges and an arc in balance round a centre, after Kandinsky and El Lissitzky."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.16), grain=0.08, brush=0.06)
    u, w, h = canvas.unit, canvas.width, canvas.height
    x, y = w * canvas.between(0.35, 0.65), h * canvas.between(0.35, 0.6)
    _disc(canvas, x, y, u * canvas.between(0.2, 0.27), shades[0])
    _disc(canvas, x + u * canvas.between(-0.3, 0.3), y + u * canvas.between(0.1, 0.25), u * 0.13, shades[1])
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


_STYLES = (_bands, _rings, _glass, _strokes, _tiles, _contours, _rays, _cutouts, _free)
