"""Draw objects: hearts, fires, cups, cacti, boats, balloons."""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

from gpu.sketch.canvas import Canvas, Frame, Point, smooth
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette


def heart(canvas: Canvas, palette: Palette, color: Color | None) -> None:
    x, y, size = canvas.width * 0.5, canvas.height * 0.47, canvas.unit * canvas.between(0.24, 0.3)
    red = color or palette.accents[0]
    for grow, shade in ((1.28, mix(red, palette.paper, 0.6)), (1.0, red), (0.66, lighter(red, 0.08))):
        form = canvas.pen()
        form.polygon(heart_form(x, y, size * grow))
        canvas.wash(form, lighter(shade, 0.05), shade, lighter(shade, -0.06), grain=0.12)


def heart_form(x: float, y: float, size: float) -> list[Point]:
    half = [(0.0, -0.55), (0.3, -0.88), (0.75, -0.9), (1.0, -0.5), (0.9, -0.05), (0.5, 0.5)]
    right = smooth([*half, (0.0, 0.95)])
    return [(x + u * size, y + v * size) for u, v in right] + [(x - u * size, y + v * size) for u, v in right[::-1]]


def fire(canvas: Canvas, palette: Palette, foot: float) -> None:
    x, size = canvas.width * canvas.between(0.44, 0.56), canvas.unit * 0.3
    canvas.glow(x, foot - size * 0.5, size * 2.2, (255, 150, 60), 0.8)
    for share, color in (
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
        canvas.wash(form, lighter(color, 0.05), color, grain=0.12)
    with canvas.sheet() as pen:
        for tilt in (-1, 1):
            ends = [(x - size * 0.55, foot + tilt * size * 0.06), (x + size * 0.55, foot - tilt * size * 0.06)]
            pen.line(ends, size * 0.1, mix((92, 58, 42), palette.ink, 0.3))


def cup(canvas: Canvas, palette: Palette, foot: float, color: Color | None) -> None:
    """Draw a cup on a saucer, steaming."""
    size, clay = canvas.unit * 0.27, color or palette.accents[0]
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


def cacti(canvas: Canvas, palette: Palette, foot: float) -> None:
    """Draw two or three saguaros."""
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


WOOD: Color = (112, 74, 52)


def boats(canvas: Canvas, palette: Palette, water: float, count: int, color: Color | None) -> None:
    """Draw sailing boats on the water, their sails in accents."""
    count = min(4, count)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        size = canvas.unit * (0.26 if count == 1 else canvas.between(0.11, 0.17))
        sail = color or mix(palette.accents[2 - i % 3], (252, 246, 234), 0.5)
        _boat(canvas, palette, x, water + (canvas.height - water) * canvas.between(0.22, 0.45), size, sail)


def _boat(canvas: Canvas, palette: Palette, x: float, y: float, size: float, sail: Color) -> None:
    at, second = Frame(x, y, size), mix(sail, palette.accents[0], 0.6)
    shadow, main, jib = canvas.pen(), canvas.pen(), canvas.pen()
    shadow.ellipse(*at(0, -0.13), size * 0.55, size * 0.04)
    canvas.wash(shadow, palette.ink, strength=0.35)
    main.polygon([*smooth(at.path(".02,1.05 .3,.5 .42,.06")), at(0.02, 0.06)])
    canvas.wash(main, lighter(sail, 0.03), sail, grain=0.1)
    jib.polygon([*smooth(at.path("-.03,.9 -.22,.4 -.4,.08")), at(-0.03, 0.08)])
    canvas.wash(jib, second, lighter(second, -0.08), grain=0.1)
    with canvas.sheet() as pen:
        pen.line(at.path("0,1.1 0,0"), size * 0.018, palette.ink)
        rail = at.path("-.5,.02 .52,.02")
        keel = smooth(at.path(".42,-.12 0,-.15 -.34,-.12"))
        pen.polygon([*rail, *keel], mix(WOOD, palette.ink, 0.5))
        pen.line(rail, size * 0.025, palette.accents[0])


def balloons(canvas: Canvas, palette: Palette, count: int, color: Color | None, top: float) -> None:
    """Draw hot-air balloons with colored gores."""
    count = min(5, count)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        size = canvas.unit * (0.2 if count == 1 else canvas.between(0.07, 0.12))
        y = top * (0.5 if count == 1 else canvas.between(0.25, 0.75))
        _balloon(canvas, palette, x, y, size, color or palette.accents[i % 2])


def _balloon(canvas: Canvas, palette: Palette, x: float, y: float, size: float, color: Color) -> None:
    bag = [
        (x, y - size),
        (x - size * 0.95, y - size * 0.25),
        (x - size * 0.55, y + size * 0.6),
        (x, y + size),
        (x + size * 0.55, y + size * 0.6),
        (x + size * 0.95, y - size * 0.25),
    ]
    with canvas.sheet() as pen:
        for side in (-0.18, 0.18):
            pen.line(
                [(x + side * size * 1.2, y + size * 0.8), (x + side * size * 0.7, y + size * 1.35)],
                size * 0.02,
                palette.ink,
            )
        pen.rectangle(x - size * 0.15, y + size * 1.3, x + size * 0.15, y + size * 1.52, mix(WOOD, palette.ink, 0.2))
    for share, shade in ((1.0, color), (0.72, mix(color, palette.paper, 0.75)), (0.4, lighter(color, 0.05))):
        form = canvas.pen()
        form.blob([(x + (px - x) * share, py) for px, py in bag])
        canvas.wash(form, lighter(shade, 0.05), shade, lighter(shade, -0.1), grain=0.08)
