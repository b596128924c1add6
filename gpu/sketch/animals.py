"""Animals: cats, dogs, birds, fish, whales, as bold silhouettes with few details. Knows no land and no sky."""

from __future__ import annotations

import math

from gpu.sketch.canvas import Canvas, Frame, Pen
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.palette import Palette

Span = tuple[float, float]
WHOLE: Span = (0.0, 1.0)


def places(canvas: Canvas, count: int, span: Span, lean: float) -> list[tuple[float, float, bool]]:
    """(x, size, looks left) for each of `count` figures side by side between two shares of the width.

    `lean` is how far a tail moves a figure's middle from its foot, in sizes: in a row nobody's tail is cut off.
    """
    count = min(4, max(1, count))
    left, room = span[0], (span[1] - span[0]) / count
    alone = room == 1
    size = canvas.unit * (0.56 if alone else min(0.46, 0.98 * room * canvas.width / canvas.unit))
    shift = canvas.between(-0.12, 0.12) if alone else 0.0
    found = []
    for i in range(count):
        x, own, flip = (
            canvas.width * (left + (i + 0.5) * room + shift),
            size * canvas.between(0.9, 1),
            canvas.chance(0.5),
        )
        aside = 0.0 if alone else own * (-lean if flip else lean)
        found.append((x - aside, own, flip))
    return found


def cats(
    canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None, *, span: Span = WHOLE
) -> None:
    for i, (x, size, flip) in enumerate(places(canvas, count, span, 0.15)):
        fur = (
            colour or (palette.ink, palette.accents[0], palette.paper, palette.accents[1])[(i + canvas.pick(0, 2)) % 4]
        )
        _cat(canvas, palette, Frame(x, foot, size, flip), fur)


def _cat(canvas: Canvas, palette: Palette, at: Frame, fur: Colour) -> None:
    """A cat that sits and looks at us, its tail around it."""
    form, size = canvas.pen(), at.size
    form.curve(at.all((0.2, 0.06), (0.48, 0.05), (0.58, 0.22), (0.5, 0.38), (0.56, 0.5)), size * 0.075)
    form.blob(
        at.all(
            (-0.27, 0.0),
            (-0.28, 0.2),
            (-0.17, 0.45),
            (-0.12, 0.62),
            (0.12, 0.62),
            (0.18, 0.45),
            (0.3, 0.2),
            (0.28, 0.0),
            (0, -0.02),
        )
    )
    form.ellipse(*at(0, 0.74), size * 0.23, size * 0.19)
    for side in (-1, 1):
        form.polygon(at.all((side * 0.22, 0.76), (side * 0.215, 1.04), (side * 0.04, 0.9)))
    canvas.wash(form, lighter(fur, 0.04), fur, lighter(fur, -0.06), grain=0.13)
    with canvas.sheet() as pen:
        _cat_face(pen, at, fur, palette)


def _cat_face(pen: Pen, at: Frame, fur: Colour, palette: Palette) -> None:
    size, deep, pale = at.size, lighter(fur, -0.16), lighter(fur, 0.2)
    eyes = palette.light if sum(fur) < 380 else palette.ink
    for side in (-1, 1):
        pen.polygon(
            at.all((side * 0.185, 0.82), (side * 0.19, 0.97), (side * 0.085, 0.9)), mix(fur, (232, 140, 140), 0.55)
        )
        pen.ellipse(*at(side * 0.095, 0.755), size * 0.04, size * 0.05, eyes)
        pen.ellipse(*at(side * 0.095, 0.755), size * 0.014, size * 0.042, deep if sum(fur) < 380 else pale)
        for lift in (-0.025, 0.0, 0.025):
            pen.line(at.all((side * 0.07, 0.67 + lift * 0.4), (side * 0.3, 0.68 + lift * 1.7)), size * 0.007, pale)
        pen.line(at.all((side * 0.06, 0.02), (side * 0.065, 0.22)), size * 0.012, deep)
    pen.polygon(at.all((-0.028, 0.695), (0.028, 0.695), (0, 0.665)), (222, 122, 122))
    pen.line(at.all((0, 0.667), (0, 0.64)), size * 0.008, deep)


def dogs(
    canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None, *, span: Span = WHOLE
) -> None:
    for i, (x, size, flip) in enumerate(places(canvas, count, span, -0.06)):
        fur = (
            colour
            or (mix(palette.accents[1], (168, 112, 68), 0.6), palette.ink, palette.paper)[(i + canvas.pick(0, 2)) % 3]
        )
        _dog(canvas, palette, Frame(x, foot, size, flip), fur)


def _dog(canvas: Canvas, palette: Palette, at: Frame, fur: Colour) -> None:
    """A dog that sits in profile, its head raised."""
    form, size = canvas.pen(), at.size
    form.curve(at.all((-0.28, 0.06), (-0.42, 0.12), (-0.48, 0.28)), size * 0.06)
    form.blob(
        at.all(
            (-0.34, 0.0),
            (-0.36, 0.18),
            (-0.2, 0.42),
            (-0.06, 0.62),
            (0.14, 0.66),
            (0.17, 0.42),
            (0.16, 0.0),
            (0, -0.02),
        )
    )
    form.polygon(at.all((0.02, 0.5), (0.165, 0.42), (0.17, 0.0), (0.02, 0.0)))
    form.ellipse(*at(0.08, 0.78), size * 0.19, size * 0.17)
    form.blob(at.all((0.1, 0.86), (0.3, 0.8), (0.36, 0.74), (0.33, 0.67), (0.12, 0.64)))
    form.ellipse(*at(0.2, 0.02), size * 0.09, size * 0.04)
    canvas.wash(form, lighter(fur, 0.05), fur, lighter(fur, -0.06), grain=0.13)
    with canvas.sheet() as pen:
        deep = lighter(fur, -0.15)
        pen.blob(at.all((-0.02, 0.92), (-0.13, 0.86), (-0.16, 0.66), (-0.08, 0.58), (0.0, 0.7)), deep)
        pen.ellipse(*at(0.35, 0.755), size * 0.032, size * 0.027, (34, 28, 30))
        pen.circle(*at(0.14, 0.82), size * 0.022, (30, 26, 28))
        pen.circle(*at(0.147, 0.828), size * 0.007, (250, 250, 245))
        pen.line(at.all((0.06, 0.6), (0.19, 0.575)), size * 0.035, palette.accents[0])
        pen.curve(at.all((-0.1, 0.02), (-0.16, 0.16), (-0.08, 0.27)), size * 0.012, deep)


def birds(canvas: Canvas, palette: Palette, count: int, colour: Colour | None, foot: float) -> None:
    """One bird on a twig, or a flock in the sky."""
    if count > 1:
        flock(canvas, colour or palette.ink, 4 + count * 2, foot * 0.75)
        return
    at = Frame(canvas.width * canvas.between(0.45, 0.55), canvas.height * 0.72, canvas.unit * 0.42, canvas.chance(0.5))
    _perched(canvas, palette, at, colour or palette.accents[0])


def flock(canvas: Canvas, colour: Colour, count: int, below: float) -> None:
    form = canvas.pen()
    cx, cy = canvas.width * canvas.between(0.3, 0.7), below * canvas.between(0.35, 0.6)
    for _ in range(count):
        x, y = (
            cx + canvas.unit * float(canvas.rng.normal(0, 0.16)),
            cy + canvas.unit * float(canvas.rng.normal(0, 0.07)),
        )
        wing = canvas.unit * canvas.between(0.015, 0.04)
        lift = wing * canvas.between(0.35, 0.6)
        form.curve(
            [
                (x - wing, y - lift * 0.4),
                (x - wing * 0.5, y - lift),
                (x, y),
                (x + wing * 0.5, y - lift),
                (x + wing, y - lift * 0.4),
            ],
            wing * 0.13,
        )
    canvas.wash(form, colour)


def _perched(canvas: Canvas, palette: Palette, at: Frame, feathers: Colour) -> None:
    twig = canvas.pen()
    twig.curve(
        [(-9, at.foot + at.size * 0.12), at(-0.4, 0.0), at(0.5, -0.04), (canvas.width + 9, at.foot - at.size * 0.2)],
        at.size * 0.055,
    )
    canvas.wash(twig, palette.ink)
    body = canvas.pen()
    body.blob(
        at.all(
            (-0.62, 0.02),
            (-0.25, 0.35),
            (0.0, 0.62),
            (0.16, 0.8),
            (0.34, 0.78),
            (0.4, 0.62),
            (0.36, 0.35),
            (0.18, 0.1),
            (-0.05, 0.04),
        )
    )
    canvas.wash(body, lighter(feathers, 0.04), feathers, lighter(feathers, -0.05), grain=0.12)
    with canvas.sheet() as pen:
        pen.blob(
            at.all((0.36, 0.6), (0.35, 0.3), (0.16, 0.09), (0.1, 0.22), (0.2, 0.48)), mix(feathers, palette.paper, 0.75)
        )
        pen.blob(at.all((0.1, 0.52), (-0.1, 0.42), (-0.5, 0.06), (-0.12, 0.13), (0.12, 0.28)), lighter(feathers, -0.14))
        pen.polygon(at.all((0.38, 0.72), (0.54, 0.66), (0.39, 0.62)), (226, 158, 66))
        pen.circle(*at(0.28, 0.69), at.size * 0.028, (28, 26, 32))
        pen.circle(*at(0.287, 0.7), at.size * 0.009, (250, 250, 245))
        for u in (0.08, 0.16):
            pen.line(at.all((u, 0.1), (u + 0.02, -0.02)), at.size * 0.018, (150, 96, 56))


def fishes(canvas: Canvas, palette: Palette, count: int, colour: Colour | None) -> None:
    """Fish under water; with one there is one large one."""
    count = min(6, count)
    for i in range(count):
        size = canvas.unit * (0.3 if count == 1 else canvas.between(0.1, 0.16))
        x, y = (
            canvas.width * canvas.between(0.2, 0.8),
            canvas.height * (0.18 + 0.6 * (i + canvas.between(0.3, 0.7)) / count),
        )
        if count == 1:
            x, y = canvas.width * 0.48, canvas.height * canvas.between(0.42, 0.55)
        _fish(canvas, palette, Frame(x, y, size, canvas.chance(0.5)), colour or palette.accents[i % 2])


def _fish(canvas: Canvas, palette: Palette, at: Frame, scales: Colour) -> None:
    fins, body = canvas.pen(), canvas.pen()
    fins.blob(at.all((-0.75, 0.0), (-1.25, 0.48), (-1.1, 0.0), (-1.25, -0.48)))
    fins.blob(at.all((-0.3, 0.4), (-0.1, 0.78), (0.35, 0.5), (0.2, 0.3)))
    fins.blob(at.all((-0.1, -0.4), (-0.25, -0.68), (0.2, -0.45)))
    canvas.wash(fins, lighter(scales, -0.1), lighter(scales, 0.02), grain=0.1)
    body.blob(
        at.all(
            (1.0, 0.02),
            (0.55, 0.4),
            (0.0, 0.5),
            (-0.55, 0.24),
            (-0.9, 0.02),
            (-0.55, -0.22),
            (0.0, -0.46),
            (0.6, -0.34),
        )
    )
    canvas.wash(body, lighter(scales, 0.04), scales, mix(scales, palette.paper, 0.6), grain=0.1)
    with canvas.sheet() as pen:
        for u in (-0.1, 0.28):
            pen.curve(at.all((u, 0.42), (u - 0.12, 0.0), (u, -0.38)), at.size * 0.07, mix(scales, palette.paper, 0.7))
        pen.circle(*at(0.66, 0.12), at.size * 0.09, (250, 248, 240))
        pen.circle(*at(0.68, 0.12), at.size * 0.05, (26, 28, 36))


def whale(canvas: Canvas, palette: Palette, water: float, colour: Colour | None) -> None:
    """A whale at the surface, with its fountain."""
    at = Frame(canvas.width * 0.48, water + canvas.unit * 0.14, canvas.unit * 0.36, canvas.chance(0.5))
    skin = colour or mix(palette.water[1], palette.ink, 0.45)
    spout = canvas.pen()
    for lean in (-0.2, -0.07, 0.07, 0.2):
        spout.curve(at.all((0.4, 0.42), (0.4 + lean, 0.78), (0.4 + lean * 2, 0.66)), at.size * 0.035)
    canvas.wash(spout, (250, 252, 252), strength=0.85)
    body = canvas.pen()
    body.blob(
        at.all(
            (0.95, 0.0),
            (0.85, 0.3),
            (0.4, 0.44),
            (-0.1, 0.34),
            (-0.6, 0.14),
            (-0.86, 0.3),
            (-1.1, 0.52),
            (-0.98, 0.2),
            (-0.7, -0.12),
            (0.0, -0.26),
            (0.7, -0.24),
        )
    )
    canvas.wash(body, lighter(skin, 0.08), skin, lighter(skin, -0.06), grain=0.12)
    with canvas.sheet() as pen:
        pen.blob(
            at.all((0.93, -0.02), (0.4, 0.0), (0.0, -0.16), (0.3, -0.24), (0.75, -0.22)), mix(skin, palette.paper, 0.7)
        )
        pen.circle(*at(0.62, 0.1), at.size * 0.03, (24, 26, 34))
        pen.curve(at.all((0.93, -0.02), (0.7, 0.01), (0.52, -0.02)), at.size * 0.015, lighter(skin, -0.12))


def bubbles(canvas: Canvas, colour: Colour) -> None:
    form = canvas.pen()
    for _ in range(26):
        radius = canvas.unit * canvas.between(0.004, 0.016)
        x = canvas.between(0, canvas.width) + math.sin(radius) * radius
        form.ring(x, canvas.between(0, canvas.height), radius, radius * 0.3)
    canvas.wash(form, colour, strength=0.6)
