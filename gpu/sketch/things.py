"""Single things in the foreground: hearts, umbrellas, fires, cups, apples, cacti. Knows no land and no sky."""

from __future__ import annotations

from gpu.sketch.canvas import Canvas, Frame, Point, smooth
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.palette import Palette


def heart(canvas: Canvas, palette: Palette, colour: Colour | None) -> None:
    x, y, size = canvas.width * 0.5, canvas.height * 0.47, canvas.unit * canvas.between(0.24, 0.3)
    red = colour or palette.accents[0]
    for grow, shade in ((1.28, mix(red, palette.paper, 0.6)), (1.0, red), (0.66, lighter(red, 0.08))):
        form = canvas.pen()
        form.polygon(heart_form(x, y, size * grow))
        canvas.wash(form, lighter(shade, 0.05), shade, lighter(shade, -0.06), grain=0.12)


def heart_form(x: float, y: float, size: float) -> list[Point]:
    half = [(0.0, -0.55), (0.3, -0.88), (0.75, -0.9), (1.0, -0.5), (0.9, -0.05), (0.5, 0.5)]
    right = smooth([*half, (0.0, 0.95)])
    return [(x + u * size, y + v * size) for u, v in right] + [(x - u * size, y + v * size) for u, v in right[::-1]]


def umbrella(canvas: Canvas, palette: Palette, foot: float, colour: Colour | None) -> None:
    x, size = canvas.width * canvas.between(0.4, 0.6), canvas.unit * 0.3
    y, shade = foot - size * 1.15, colour or palette.accents[0]
    with canvas.sheet() as pen:
        pen.line([(x, y - size * 0.95), (x, y + size * 0.85)], size * 0.04, palette.ink)
        pen.curve(
            [(x, y + size * 0.8), (x + size * 0.09, y + size * 0.95), (x + size * 0.19, y + size * 0.86)],
            size * 0.045,
            palette.ink,
        )
    for share, tone in ((1.0, lighter(shade, -0.08)), (0.62, shade), (0.24, lighter(shade, 0.08))):
        dome = canvas.pen()
        dome.ellipse(x, y, size * share, size * 0.9)
        dome.rectangle(0, y, canvas.width, y + size * 2, 0)
        for i in range(-3, 4):
            dome.ellipse(x + i * size / 3.0 * share, y + size * 0.02, size * 0.165 * share, size * 0.1, 0)
        canvas.wash(dome, lighter(tone, 0.05), tone, grain=0.1)


def fire(canvas: Canvas, palette: Palette, foot: float) -> None:
    x, size = canvas.width * canvas.between(0.44, 0.56), canvas.unit * 0.3
    canvas.glow(x, foot - size * 0.5, size * 2.2, (255, 150, 60), 0.8)
    for share, colour in (
        (1.0, (222, 74, 40)),
        (0.74, (244, 132, 46)),
        (0.48, (252, 196, 84)),
        (0.26, (255, 240, 190)),
    ):
        form = canvas.pen()
        lean = canvas.between(-0.12, 0.12) * size
        wide, tall = size * 0.46 * share, size * 1.25 * share
        form.blob(
            [
                (x + lean, foot - tall),
                (x - wide * 0.45, foot - tall * 0.55),
                (x - wide, foot - tall * 0.2),
                (x - wide * 0.5, foot + size * 0.03),
                (x + wide * 0.5, foot + size * 0.03),
                (x + wide, foot - tall * 0.25),
                (x + wide * 0.3, foot - tall * 0.5),
            ]
        )
        canvas.wash(form, lighter(colour, 0.05), colour, grain=0.12)
    with canvas.sheet() as pen:
        for tilt in (-1, 1):
            ends = [(x - size * 0.55, foot + tilt * size * 0.06), (x + size * 0.55, foot - tilt * size * 0.06)]
            pen.line(ends, size * 0.1, mix((92, 58, 42), palette.ink, 0.3))


def cup(canvas: Canvas, palette: Palette, foot: float, colour: Colour | None) -> None:
    """A cup on a saucer, steaming."""
    size, clay = canvas.unit * 0.27, colour or palette.accents[0]
    at = Frame(canvas.width * 0.49, foot, size)
    steam, saucer, handle, body = (canvas.pen() for _ in range(4))
    for u in (-0.28, 0.0, 0.28):
        sway = canvas.between(0.06, 0.14)
        steam.curve(at.all((u, 1.17), (u + sway, 1.45), (u - sway, 1.75), (u + sway * 0.6, 2.05)), size * 0.055)
    canvas.wash(steam, palette.sky[1], palette.paper, strength=0.75)
    saucer.ellipse(*at(0, 0), size * 1.15, size * 0.17)
    canvas.wash(saucer, lighter(clay, 0.1), lighter(clay, -0.08), grain=0.1)
    handle.ellipse(*at(0.72, 0.62), size * 0.34, size * 0.3)
    handle.ellipse(*at(0.72, 0.62), size * 0.2, size * 0.17, 0)
    canvas.wash(handle, clay, lighter(clay, -0.1))
    flank = ((-0.72, 0.7), (-0.5, 0.2), (-0.25, 0.02))
    other = smooth(at.all(*((-u, v) for u, v in flank[::-1])))
    body.polygon([at(-0.75, 1.05), *smooth(at.all(*flank)), *other, at(0.75, 1.05)])
    canvas.wash(body, lighter(clay, 0.08), clay, lighter(clay, -0.12), sideways=True)
    with canvas.sheet() as pen:
        pen.ellipse(*at(0, 1.05), size * 0.75, size * 0.16, lighter(clay, 0.12))
        pen.ellipse(*at(0, 1.035), size * 0.66, size * 0.12, (88, 54, 38))


def apples(canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None) -> None:
    count = min(5, count)
    for i in range(count):
        size = canvas.unit * (0.27 if count == 1 else 0.42 / count)
        x, y = canvas.width * (i + 0.5) / count, foot - size * 0.8
        skin = colour or ((200, 56, 50), (150, 178, 74), (222, 168, 66))[(i + canvas.pick(0, 2)) % 3]
        shadow, form = canvas.pen(), canvas.pen()
        shadow.ellipse(x + size * 0.15, foot + size * 0.02, size * 0.95, size * 0.14)
        canvas.wash(shadow, palette.ink, strength=0.3)
        form.blob(
            [
                (x, y - size * 0.66),
                (x - size * 0.5, y - size * 0.85),
                (x - size * 0.98, y - size * 0.3),
                (x - size * 0.75, y + size * 0.55),
                (x - size * 0.25, y + size * 0.84),
                (x, y + size * 0.76),
                (x + size * 0.25, y + size * 0.84),
                (x + size * 0.75, y + size * 0.55),
                (x + size * 0.98, y - size * 0.3),
                (x + size * 0.5, y - size * 0.85),
            ]
        )
        canvas.wash(form, lighter(skin, 0.1), skin, lighter(skin, -0.12), sideways=True, grain=0.13)
        with canvas.sheet() as pen:
            pen.curve(
                [(x, y - size * 0.62), (x + size * 0.04, y - size * 0.9), (x + size * 0.14, y - size * 1.1)],
                size * 0.07,
                (94, 62, 44),
            )
            pen.blob(
                [
                    (x + size * 0.08, y - size * 0.9),
                    (x + size * 0.4, y - size * 1.18),
                    (x + size * 0.68, y - size * 1.05),
                    (x + size * 0.42, y - size * 0.86),
                ],
                (92, 140, 76),
            )
            pen.ellipse(x - size * 0.5, y - size * 0.32, size * 0.09, size * 0.2, lighter(skin, 0.2), 24)


def cacti(canvas: Canvas, palette: Palette, foot: float) -> None:
    """Two or three saguaros."""
    for i in range(canvas.pick(2, 3)):
        x, tall = canvas.width * canvas.between(0.1 + 0.3 * i, 0.3 + 0.3 * i), canvas.unit * canvas.between(0.16, 0.32)
        green = mix((52, 104, 78), palette.ink, 0.25)
        form = canvas.pen()
        form.line([(x, foot), (x, foot - tall)], tall * 0.16)
        for side, low, high in ((-1, 0.35, 0.72), (1, 0.48, 0.85)):
            arm = [
                (x, foot - tall * low),
                (x + side * tall * 0.24, foot - tall * low),
                (x + side * tall * 0.24, foot - tall * high),
            ]
            form.line(arm, tall * 0.11)
        canvas.wash(form, lighter(green, 0.08), green, lighter(green, -0.08), sideways=True, grain=0.12)
