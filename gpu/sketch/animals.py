"""Draw animals: bold silhouettes with few details."""

from __future__ import annotations

import math

from gpu.sketch.canvas import Canvas, Frame, Pen
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette

Span = tuple[float, float]
WHOLE: Span = (0.0, 1.0)


def places(canvas: Canvas, count: int, span: Span, lean: float) -> list[tuple[float, float, bool]]:
    """Return (x, size, looks left) for `count` figures side by side between two shares of the width.

    `lean` is the distance between a figure's middle and its foot, in sizes, so that no tail leaves the picture.
    """
    count = min(4, max(1, count))
    left, room = span[0], (span[1] - span[0]) / count
    alone = room == 1
    size = canvas.unit * (0.56 if alone else min(0.46, 0.98 * room * canvas.width / canvas.unit))
    shift = canvas.between(-0.12, 0.12) if alone else 0.0
    placed = []
    for i in range(count):
        x, own, flip = (
            canvas.width * (left + (i + 0.5) * room + shift),
            size * canvas.between(0.9, 1),
            canvas.chance(0.5),
        )
        aside = 0.0 if alone else own * (-lean if flip else lean)
        placed.append((x - aside, own, flip))
    return placed


def cats(
    canvas: Canvas,
    palette: Palette,
    foot: float,
    count: int,
    color: Color | None,
    *,
    span: Span = WHOLE,
    asleep: bool = False,
) -> None:
    for i, (x, size, flip) in enumerate(places(canvas, count, span, 0.15)):
        fur = color or (palette.ink, palette.accents[0], palette.paper, palette.accents[1])[(i + canvas.pick(0, 2)) % 4]
        _cat(canvas, palette, Frame(x, foot, size, flip), fur, asleep)


def _cat(canvas: Canvas, palette: Palette, at: Frame, fur: Color, asleep: bool) -> None:
    """Draw a cat that sits and looks at us, its tail around it."""
    form, size = canvas.pen(), at.size
    form.curve(at.path(".2,.06 .48,.05 .58,.22 .5,.38 .56,.5"), size * 0.075)
    form.blob(at.path("-.27,0 -.28,.2 -.17,.45 -.12,.62 .12,.62 .18,.45 .3,.2 .28,0 0,-.02"))
    form.ellipse(*at(0, 0.74), size * 0.23, size * 0.19)
    for side in (-1, 1):
        form.polygon(at.all((side * 0.22, 0.76), (side * 0.215, 1.04), (side * 0.04, 0.9)))
    canvas.wash(form, lighter(fur, 0.04), fur, lighter(fur, -0.06), grain=0.13)
    with canvas.sheet() as pen:
        _cat_face(pen, at, fur, palette, asleep)


def _cat_face(pen: Pen, at: Frame, fur: Color, palette: Palette, asleep: bool) -> None:
    size, deep, pale = at.size, lighter(fur, -0.16), lighter(fur, 0.2)
    eyes = palette.light if sum(fur) < 380 else palette.ink
    for side in (-1, 1):
        pen.polygon(
            at.all((side * 0.185, 0.82), (side * 0.19, 0.97), (side * 0.085, 0.9)), mix(fur, (232, 140, 140), 0.55)
        )
        if asleep:
            pen.curve(at.all((side * 0.14, 0.765), (side * 0.095, 0.735), (side * 0.05, 0.765)), size * 0.014, deep)
        else:
            pen.ellipse(*at(side * 0.095, 0.755), size * 0.04, size * 0.05, eyes)
            pen.ellipse(*at(side * 0.095, 0.755), size * 0.014, size * 0.042, deep if sum(fur) < 380 else pale)
        for lift in (-0.025, 0.0, 0.025):
            pen.line(at.all((side * 0.07, 0.67 + lift * 0.4), (side * 0.3, 0.68 + lift * 1.7)), size * 0.007, pale)
        pen.line(at.all((side * 0.06, 0.02), (side * 0.065, 0.22)), size * 0.012, deep)
    pen.polygon(at.path("-.028,.695 .028,.695 0,.665"), (222, 122, 122))
    pen.line(at.path("0,.667 0,.64"), size * 0.008, deep)


def dogs(canvas: Canvas, palette: Palette, foot: float, count: int, color: Color | None, *, span: Span = WHOLE) -> None:
    for i, (x, size, flip) in enumerate(places(canvas, count, span, -0.06)):
        fur = (
            color
            or (mix(palette.accents[1], (168, 112, 68), 0.6), palette.ink, palette.paper)[(i + canvas.pick(0, 2)) % 3]
        )
        _dog(canvas, palette, Frame(x, foot, size, flip), fur)


def _dog(canvas: Canvas, palette: Palette, at: Frame, fur: Color) -> None:
    """Draw a dog that sits in profile, its head raised."""
    form, size = canvas.pen(), at.size
    form.curve(at.path("-.28,.06 -.42,.12 -.48,.28"), size * 0.06)
    form.blob(at.path("-.34,0 -.36,.18 -.2,.42 -.06,.62 .14,.66 .17,.42 .16,0 0,-.02"))
    form.polygon(at.path(".02,.5 .165,.42 .17,0 .02,0"))
    form.ellipse(*at(0.08, 0.78), size * 0.19, size * 0.17)
    form.blob(at.path(".1,.86 .3,.8 .36,.74 .33,.67 .12,.64"))
    form.ellipse(*at(0.2, 0.02), size * 0.09, size * 0.04)
    canvas.wash(form, lighter(fur, 0.05), fur, lighter(fur, -0.06), grain=0.13)
    with canvas.sheet() as pen:
        deep = lighter(fur, -0.15)
        pen.blob(at.path("-.02,.92 -.13,.86 -.16,.66 -.08,.58 0,.7"), deep)
        pen.ellipse(*at(0.35, 0.755), size * 0.032, size * 0.027, (34, 28, 30))
        pen.circle(*at(0.14, 0.82), size * 0.022, (30, 26, 28))
        pen.circle(*at(0.147, 0.828), size * 0.007, (250, 250, 245))
        pen.line(at.path(".06,.6 .19,.575"), size * 0.035, palette.accents[0])
        pen.curve(at.path("-.1,.02 -.16,.16 -.08,.27"), size * 0.012, deep)


def birds(canvas: Canvas, palette: Palette, count: int, color: Color | None, foot: float) -> None:
    """Draw one bird on a twig, or a flock in the sky."""
    if count > 1:
        flock(canvas, color or palette.ink, 4 + count * 2, foot * 0.75)
        return
    at = Frame(canvas.width * canvas.between(0.45, 0.55), canvas.height * 0.72, canvas.unit * 0.42, canvas.chance(0.5))
    _perched(canvas, palette, at, color or palette.accents[0])


def flock(canvas: Canvas, color: Color, count: int, below: float) -> None:
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
    canvas.wash(form, color)


def _perched(canvas: Canvas, palette: Palette, at: Frame, feathers: Color) -> None:
    twig = canvas.pen()
    twig.curve(
        [(-9, at.foot + at.size * 0.12), at(-0.4, 0.0), at(0.5, -0.04), (canvas.width + 9, at.foot - at.size * 0.2)],
        at.size * 0.055,
    )
    canvas.wash(twig, palette.ink)
    body = canvas.pen()
    body.blob(at.path("-.62,.02 -.25,.35 0,.62 .16,.8 .34,.78 .4,.62 .36,.35 .18,.1 -.05,.04"))
    canvas.wash(body, lighter(feathers, 0.04), feathers, lighter(feathers, -0.05), grain=0.12)
    with canvas.sheet() as pen:
        pen.blob(at.path(".36,.6 .35,.3 .16,.09 .1,.22 .2,.48"), mix(feathers, palette.paper, 0.75))
        pen.blob(at.path(".1,.52 -.1,.42 -.5,.06 -.12,.13 .12,.28"), lighter(feathers, -0.14))
        pen.polygon(at.path(".38,.72 .54,.66 .39,.62"), (226, 158, 66))
        pen.circle(*at(0.28, 0.69), at.size * 0.028, (28, 26, 32))
        pen.circle(*at(0.287, 0.7), at.size * 0.009, (250, 250, 245))
        for u in (0.08, 0.16):
            pen.line(at.all((u, 0.1), (u + 0.02, -0.02)), at.size * 0.018, (150, 96, 56))


def fishes(canvas: Canvas, palette: Palette, count: int, color: Color | None) -> None:
    """Draw fish under water. A single one is large."""
    count = min(6, count)
    for i in range(count):
        size = canvas.unit * (0.3 if count == 1 else canvas.between(0.1, 0.16))
        x, y = (
            canvas.width * canvas.between(0.2, 0.8),
            canvas.height * (0.18 + 0.6 * (i + canvas.between(0.3, 0.7)) / count),
        )
        if count == 1:
            x, y = canvas.width * 0.48, canvas.height * canvas.between(0.42, 0.55)
        _fish(canvas, palette, Frame(x, y, size, canvas.chance(0.5)), color or palette.accents[i % 2])


def _fish(canvas: Canvas, palette: Palette, at: Frame, scales: Color) -> None:
    fins, body = canvas.pen(), canvas.pen()
    fins.blob(at.path("-.75,0 -1.25,.48 -1.1,0 -1.25,-.48"))
    fins.blob(at.path("-.3,.4 -.1,.78 .35,.5 .2,.3"))
    fins.blob(at.path("-.1,-.4 -.25,-.68 .2,-.45"))
    canvas.wash(fins, lighter(scales, -0.1), lighter(scales, 0.02), grain=0.1)
    body.blob(at.path("1,.02 .55,.4 0,.5 -.55,.24 -.9,.02 -.55,-.22 0,-.46 .6,-.34"))
    canvas.wash(body, lighter(scales, 0.04), scales, mix(scales, palette.paper, 0.6), grain=0.1)
    with canvas.sheet() as pen:
        for u in (-0.1, 0.28):
            pen.curve(at.all((u, 0.42), (u - 0.12, 0.0), (u, -0.38)), at.size * 0.07, mix(scales, palette.paper, 0.7))
        pen.circle(*at(0.66, 0.12), at.size * 0.09, (250, 248, 240))
        pen.circle(*at(0.68, 0.12), at.size * 0.05, (26, 28, 36))


def whale(canvas: Canvas, palette: Palette, water: float, color: Color | None) -> None:
    """Draw a whale at the surface, with its fountain."""
    at = Frame(canvas.width * 0.48, water + canvas.unit * 0.14, canvas.unit * 0.36, canvas.chance(0.5))
    skin = color or mix(palette.water[1], palette.ink, 0.45)
    spout = canvas.pen()
    for lean in (-0.2, -0.07, 0.07, 0.2):
        spout.curve(at.all((0.4, 0.42), (0.4 + lean, 0.78), (0.4 + lean * 2, 0.66)), at.size * 0.035)
    canvas.wash(spout, (250, 252, 252), strength=0.85)
    body = canvas.pen()
    body.blob(at.path(".95,0 .85,.3 .4,.44 -.1,.34 -.6,.14 -.86,.3 -1.1,.52 -.98,.2 -.7,-.12 0,-.26 .7,-.24"))
    canvas.wash(body, lighter(skin, 0.08), skin, lighter(skin, -0.06), grain=0.12)
    with canvas.sheet() as pen:
        pen.blob(at.path(".93,-.02 .4,0 0,-.16 .3,-.24 .75,-.22"), mix(skin, palette.paper, 0.7))
        pen.circle(*at(0.62, 0.1), at.size * 0.03, (24, 26, 34))
        pen.curve(at.path(".93,-.02 .7,.01 .52,-.02"), at.size * 0.015, lighter(skin, -0.12))


def bubbles(canvas: Canvas, color: Color) -> None:
    form = canvas.pen()
    for _ in range(26):
        radius = canvas.unit * canvas.between(0.004, 0.016)
        x = canvas.between(0, canvas.width) + math.sin(radius) * radius
        form.ring(x, canvas.between(0, canvas.height), radius, radius * 0.3)
    canvas.wash(form, color, strength=0.6)


RED: Color = (206, 98, 44)
SNOW: Color = (250, 244, 234)
SOCKS: Color = (52, 38, 40)


def foxes(
    canvas: Canvas, palette: Palette, foot: float, count: int, color: Color | None, *, span: Span = WHOLE
) -> None:
    for x, size, flip in places(canvas, count, span, 0.17):
        _fox(canvas, Frame(x, foot, size, flip), mix(color, RED, 0.15) if color else mix(RED, palette.accents[0], 0.12))


def _fox(canvas: Canvas, at: Frame, fur: Color) -> None:
    _brush(canvas, at, fur)
    body, size = canvas.pen(), at.size
    body.blob(at.path("-.24,0 -.27,.18 -.17,.42 -.13,.6 .13,.6 .17,.42 .24,.18 .22,0 0,-.02"))
    for side in (-1, 1):
        body.polygon(at.all((side * 0.26, 0.8), (side * 0.23, 1.08), (side * 0.05, 0.92)))
    body.blob(at.path("0,.93 .2,.87 .31,.7 .12,.6 0,.53 -.12,.6 -.31,.7 -.2,.87"))
    canvas.wash(body, lighter(fur, 0.05), fur, lighter(fur, -0.07), grain=0.13)
    with canvas.sheet() as pen:
        pen.blob(at.path("-.1,.56 .1,.56 .09,.36 0,.24 -.09,.36"), SNOW)
        for side in (-1, 1):
            pen.line(at.all((side * 0.075, 0.02), (side * 0.07, 0.17)), size * 0.07, SOCKS)
            _half_face(pen, at, side, fur)
        pen.ellipse(*at(0, 0.575), size * 0.034, size * 0.027, (30, 24, 28))


def _brush(canvas: Canvas, at: Frame, fur: Color) -> None:
    """Draw the tail, with its white tip."""
    tail, tip = canvas.pen(), canvas.pen()
    tail.blob(at.path(".1,.02 .3,-.02 .5,.06 .62,.26 .6,.5 .48,.36 .36,.24 .12,.2"))
    canvas.wash(tail, lighter(fur, 0.02), lighter(fur, -0.06), grain=0.13)
    tip.blob(at.path(".63,.3 .65,.46 .58,.64 .48,.46 .47,.35 .55,.37"))
    canvas.wash(tip, SNOW, lighter(SNOW, -0.06), grain=0.1)


def _half_face(pen: Pen, at: Frame, side: int, fur: Color) -> None:
    """Draw ear, cheek and eye of one side."""
    pen.polygon(at.all((side * 0.215, 0.86), (side * 0.21, 1.0), (side * 0.12, 0.91)), mix(fur, SOCKS, 0.75))
    pen.blob(
        at.all((side * 0.02, 0.6), (side * 0.1, 0.7), (side * 0.29, 0.71), (side * 0.13, 0.61), (side * 0.02, 0.545)),
        SNOW,
    )
    pen.ellipse(*at(side * 0.115, 0.755), at.size * 0.027, at.size * 0.034, (34, 26, 28))
    pen.circle(*at(side * 0.115 + 0.009, 0.767), at.size * 0.009, (250, 250, 245))


def deer(canvas: Canvas, palette: Palette, foot: float, count: int, color: Color | None, *, span: Span = WHOLE) -> None:
    """Draw deer in profile; every other one has antlers."""
    for i, (x, size, flip) in enumerate(places(canvas, count, span, 0.11)):
        fur = color or mix(mix((122, 76, 46), palette.near, 0.2), palette.ink, 0.3)
        _deer(canvas, Frame(x, foot, size, flip), fur, has_antlers=i % 2 == 0)


_ANTLERS = (".37,.94 .33,1.06 .38,1.2", ".35,1.1 .45,1.16", ".4,.94 .46,1.05 .55,1.12", ".47,1.06 .46,1.18")


def _deer(canvas: Canvas, at: Frame, fur: Color, *, has_antlers: bool) -> None:
    form, size = canvas.pen(), at.size
    for leg in ("-.25,.45 -.2,.24 -.25,0", "-.15,.42 -.13,.24 -.16,0", ".16,.42 .17,.2 .14,0", ".24,.45 .25,.22 .26,0"):
        form.line(at.path(leg), size * 0.042)
    form.blob(at.path("-.32,.44 -.31,.56 -.16,.6 .1,.57 .26,.61 .33,.54 .28,.42 .16,.38 0,.37 -.2,.38"))
    form.blob(at.path(".18,.54 .27,.78 .33,.9 .4,.88 .39,.7 .31,.46"))
    form.blob(at.path(".31,.88 .36,.95 .45,.93 .57,.85 .57,.8 .46,.8 .36,.79"))
    form.polygon(at.path(".35,.92 .22,.99 .31,.87"))
    canvas.wash(form, lighter(fur, 0.05), fur, lighter(fur, -0.06), grain=0.12)
    with canvas.sheet() as pen:
        pen.blob(at.path("-.3,.56 -.38,.52 -.36,.42 -.31,.46"), SNOW)
        pen.circle(*at(0.43, 0.88), size * 0.016, (30, 24, 26))
        pen.circle(*at(0.565, 0.83), size * 0.02, (34, 28, 30))
        if has_antlers:
            for antler in (
                ".37,.94 .33,1.06 .38,1.2",
                ".35,1.1 .45,1.16",
                ".4,.94 .46,1.05 .55,1.12",
                ".47,1.06 .46,1.18",
            ):
                pen.line(at.path(antler), size * 0.02, lighter(fur, -0.14))
