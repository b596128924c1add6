"""A fox, the animal people ask for most after cats and dogs: it sits, its brush around its feet. Knows no land."""

from __future__ import annotations

from gpu.sketch.animals import WHOLE, Span, places
from gpu.sketch.canvas import Canvas, Frame, Pen
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.palette import Palette

RED: Colour = (206, 98, 44)
SNOW: Colour = (250, 244, 234)
SOCKS: Colour = (52, 38, 40)


def foxes(
    canvas: Canvas, palette: Palette, foot: float, count: int, colour: Colour | None, *, span: Span = WHOLE
) -> None:
    for x, size, flip in places(canvas, count, span, 0.17):
        _fox(
            canvas, Frame(x, foot, size, flip), mix(colour, RED, 0.15) if colour else mix(RED, palette.accents[0], 0.12)
        )


def _fox(canvas: Canvas, at: Frame, fur: Colour) -> None:
    _brush(canvas, at, fur)
    body, size = canvas.pen(), at.size
    body.blob(
        at.all(
            (-0.24, 0.0),
            (-0.27, 0.18),
            (-0.17, 0.42),
            (-0.13, 0.6),
            (0.13, 0.6),
            (0.17, 0.42),
            (0.24, 0.18),
            (0.22, 0.0),
            (0, -0.02),
        )
    )
    for side in (-1, 1):
        body.polygon(at.all((side * 0.26, 0.8), (side * 0.23, 1.08), (side * 0.05, 0.92)))
    body.blob(
        at.all((0, 0.93), (0.2, 0.87), (0.31, 0.7), (0.12, 0.6), (0, 0.53), (-0.12, 0.6), (-0.31, 0.7), (-0.2, 0.87))
    )
    canvas.wash(body, lighter(fur, 0.05), fur, lighter(fur, -0.07), grain=0.13)
    with canvas.sheet() as pen:
        pen.blob(at.all((-0.1, 0.56), (0.1, 0.56), (0.09, 0.36), (0.0, 0.24), (-0.09, 0.36)), SNOW)
        for side in (-1, 1):
            pen.line(at.all((side * 0.075, 0.02), (side * 0.07, 0.17)), size * 0.07, SOCKS)
            _half_face(pen, at, side, fur)
        pen.ellipse(*at(0, 0.575), size * 0.034, size * 0.027, (30, 24, 28))


def _brush(canvas: Canvas, at: Frame, fur: Colour) -> None:
    """The tail, with its white tip."""
    tail, tip = canvas.pen(), canvas.pen()
    tail.blob(
        at.all(
            (0.1, 0.02), (0.3, -0.02), (0.5, 0.06), (0.62, 0.26), (0.6, 0.5), (0.48, 0.36), (0.36, 0.24), (0.12, 0.2)
        )
    )
    canvas.wash(tail, lighter(fur, 0.02), lighter(fur, -0.06), grain=0.13)
    tip.blob(at.all((0.63, 0.3), (0.65, 0.46), (0.58, 0.64), (0.48, 0.46), (0.47, 0.35), (0.55, 0.37)))
    canvas.wash(tip, SNOW, lighter(SNOW, -0.06), grain=0.1)


def _half_face(pen: Pen, at: Frame, side: int, fur: Colour) -> None:
    """Ear, cheek and eye of one side."""
    pen.polygon(at.all((side * 0.215, 0.86), (side * 0.21, 1.0), (side * 0.12, 0.91)), mix(fur, SOCKS, 0.75))
    pen.blob(
        at.all((side * 0.02, 0.6), (side * 0.1, 0.7), (side * 0.29, 0.71), (side * 0.13, 0.61), (side * 0.02, 0.545)),
        SNOW,
    )
    pen.ellipse(*at(side * 0.115, 0.755), at.size * 0.027, at.size * 0.034, (34, 26, 28))
    pen.circle(*at(side * 0.115 + 0.009, 0.767), at.size * 0.009, (250, 250, 245))
