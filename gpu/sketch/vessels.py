"""What people travel in: sailing boats, rockets, hot-air balloons. Knows no land and no sky."""

# ruff: noqa: PLR0917 -- place, size and colour in this order is how one speaks of a form
from __future__ import annotations

from gpu.sketch.canvas import Canvas, Frame, smooth
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.palette import Palette

WOOD = (112, 74, 52)


def boats(canvas: Canvas, palette: Palette, water: float, count: int, colour: Colour | None) -> None:
    """Sailing boats on the water, their sails in accents."""
    count = min(4, count)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        size = canvas.unit * (0.26 if count == 1 else canvas.between(0.11, 0.17))
        sail = colour or mix(palette.accents[2 - i % 3], (252, 246, 234), 0.5)
        _boat(canvas, palette, x, water + (canvas.height - water) * canvas.between(0.22, 0.45), size, sail)


def _boat(canvas: Canvas, palette: Palette, x: float, y: float, size: float, sail: Colour) -> None:
    at, second = Frame(x, y, size), mix(sail, palette.accents[0], 0.6)
    shadow, main, jib = canvas.pen(), canvas.pen(), canvas.pen()
    shadow.ellipse(*at(0, -0.13), size * 0.55, size * 0.04)
    canvas.wash(shadow, palette.ink, strength=0.35)
    main.polygon([*smooth(at.all((0.02, 1.05), (0.3, 0.5), (0.42, 0.06))), at(0.02, 0.06)])
    canvas.wash(main, lighter(sail, 0.03), sail, grain=0.1)
    jib.polygon([*smooth(at.all((-0.03, 0.9), (-0.22, 0.4), (-0.4, 0.08))), at(-0.03, 0.08)])
    canvas.wash(jib, second, lighter(second, -0.08), grain=0.1)
    with canvas.sheet() as pen:
        pen.line(at.all((0, 1.1), (0, 0)), size * 0.018, palette.ink)
        rail = at.all((-0.5, 0.02), (0.52, 0.02))
        keel = smooth(at.all((0.42, -0.12), (0, -0.15), (-0.34, -0.12)))
        pen.polygon([*rail, *keel], mix(WOOD, palette.ink, 0.5))
        pen.line(rail, size * 0.025, palette.accents[0])


_PLUME = ((0.15, 0.75, (240, 110, 60)), (0.1, 0.55, (252, 190, 92)), (0.05, 0.36, (255, 244, 214)))


def rocket(canvas: Canvas, palette: Palette, colour: Colour | None) -> None:
    """A rocket on its way up, on a plume."""
    size, body = canvas.unit * 0.46, colour or (240, 234, 222)
    at = Frame(canvas.width * canvas.between(0.42, 0.58), canvas.height * 0.5, size)
    canvas.glow(*at(0, -0.6), size * 0.7, (255, 160, 80), 0.8)
    with canvas.sheet() as pen:
        for wide, long, shade in _PLUME:
            left, right = (-wide, -0.38), (wide, -0.38)
            half = -0.38 - long / 2
            pen.blob(at.all(left, (-wide * 0.8, half), (0, -0.38 - long), (wide * 0.8, half), right), shade)
        for side in (-1, 1):
            pen.polygon(at.all((side * 0.13, -0.08), (side * 0.3, -0.48), (side * 0.1, -0.36)), palette.accents[0])
    hull = canvas.pen()
    left_side = ((-0.16, 0.2), (-0.17, -0.15), (-0.1, -0.4))
    hull.blob(at.all((0, 0.62), *left_side, *((-u, v) for u, v in left_side[::-1])))
    canvas.wash(hull, lighter(body, 0.04), body, lighter(body, -0.2), sideways=True)
    with canvas.sheet() as pen:
        pen.blob(at.all((0, 0.62), (-0.1, 0.36), (0, 0.33), (0.1, 0.36)), palette.accents[0])
        pen.circle(*at(0, 0.1), size * 0.08, palette.ink)
        pen.circle(*at(0, 0.1), size * 0.058, palette.water[0])


def balloons(canvas: Canvas, palette: Palette, count: int, colour: Colour | None, top: float) -> None:
    """Hot-air balloons with coloured gores."""
    count = min(5, count)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.3, 0.7)) / count)
        size = canvas.unit * (0.2 if count == 1 else canvas.between(0.07, 0.12))
        y = top * (0.5 if count == 1 else canvas.between(0.25, 0.75))
        _balloon(canvas, palette, x, y, size, colour or palette.accents[i % 2])


def _balloon(canvas: Canvas, palette: Palette, x: float, y: float, size: float, colour: Colour) -> None:
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
    for share, shade in ((1.0, colour), (0.72, mix(colour, palette.paper, 0.75)), (0.4, lighter(colour, 0.05))):
        form = canvas.pen()
        form.blob([(x + (px - x) * share, py) for px, py in bag])
        canvas.wash(form, lighter(shade, 0.05), shade, lighter(shade, -0.1), grain=0.08)
