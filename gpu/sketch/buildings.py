"""Draw buildings: cities, houses, castles, lighthouses."""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

from gpu.sketch.canvas import Canvas, Frame, Pen
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette


def city(canvas: Canvas, palette: Palette, foot: float, color: Color | None = None) -> None:
    """Draw three rows of towers, the nearest with lit windows."""
    for row in range(3):
        nearness = (row + 0.4) / 3
        shade = mix(palette.land(nearness), palette.ink, 0.45 * nearness)
        shade = mix(shade, color, 0.5) if color else shade
        form, towers = canvas.pen(), _towers(canvas, foot, row)
        for left, top, right in towers:
            _tower_form(canvas, form, left, top, right, foot)
        form.rectangle(0, foot, canvas.width, canvas.height)
        canvas.wash(form, shade, lighter(shade, 0.03), mix(shade, palette.sky[2], 0.35), span=(foot * 0.3, foot * 1.1))
        if row:
            _windows(canvas, palette, towers, foot, shade, lit=0.3 + 0.12 * row + (0.2 if palette.dark else 0))


def _towers(canvas: Canvas, foot: float, row: int) -> list[tuple[float, float, float]]:
    """Return (left, top, right) of each tower in a row from edge to edge."""
    towers, x = [], -canvas.unit * 0.03
    while x < canvas.width:
        wide = canvas.unit * canvas.between(0.05, 0.1) * (1 + 0.25 * row)
        peak = 1 - abs(x / canvas.width - 0.5) * 0.7
        top = foot - canvas.height * canvas.between(0.14, 0.5 - 0.1 * row) * peak
        towers.append((x, top, x + wide))
        x += wide + canvas.unit * canvas.between(0, 0.022) * row
    return towers


def _tower_form(canvas: Canvas, form: Pen, left: float, top: float, right: float, foot: float) -> None:
    form.rectangle(left, top, right, foot)
    wide, middle = right - left, (left + right) / 2
    kind = canvas.pick(0, 6)
    if kind == 0:
        form.polygon([(left, top), (middle, top - wide * 0.5), (right, top)])
    elif kind == 1:
        form.rectangle(left + wide * 0.2, top - wide * 0.4, right - wide * 0.2, top)
        form.line([(middle, top - wide * 1.3), (middle, top)], max(1.0, wide * 0.05))
    elif kind == 2:
        form.polygon([(left, top), (right, top - wide * 0.45), (right, top)])
    elif kind == 3:
        form.ellipse(middle, top, wide / 2, wide * 0.35)


def _windows(
    canvas: Canvas, palette: Palette, towers: list[tuple[float, float, float]], foot: float, wall: Color, lit: float
) -> None:
    step, size = canvas.unit * 0.021, canvas.unit * 0.0085
    dim, bright = lighter(wall, -0.05), mix(palette.light, palette.accents[1], 0.25)
    with canvas.sheet() as pen:
        for left, top, right in towers:
            across = max(1, int((right - left - step * 0.6) / step))
            margin = (right - left - across * step + step - size) / 2
            for row in range(int((foot - top) / (step * 1.3))):
                for column in range(across):
                    x, y = left + margin + column * step, top + step * (0.9 + 1.3 * row)
                    pen.rectangle(x, y, x + size, y + size * 1.5, bright if canvas.chance(lit) else dim)


def houses(canvas: Canvas, palette: Palette, foot: float, count: int, color: Color | None) -> None:
    """Draw gabled houses with a door, windows and a chimney."""
    count = min(5, count)
    for i in range(count):
        x = canvas.width * ((i + canvas.between(0.4, 0.6)) / count)
        size = canvas.unit * (0.3 if count == 1 else 0.62 / count * canvas.between(0.8, 1))
        wall = color or (palette.paper if count == 1 else mix(palette.accents[i % 3], palette.paper, 0.35))
        _house(canvas, palette, x, foot + canvas.unit * canvas.between(0, 0.03), size, wall)


def _house(canvas: Canvas, palette: Palette, x: float, foot: float, size: float, wall: Color) -> None:
    at, roof = Frame(x, foot, size), mix(palette.accents[0], palette.ink, 0.35)
    wall = mix(wall, palette.near, 0.45) if palette.dark else wall
    front, side = canvas.pen(), canvas.pen()
    front.polygon(at.path("-.5,0 -.5,.55 -.175,.96 .15,.55 .15,0"))
    canvas.wash(front, lighter(wall, 0.03), wall, grain=0.1)
    side.rectangle(*at(0.15, 0.55), *at(0.6, 0))
    canvas.wash(side, lighter(wall, -0.1), lighter(wall, -0.14), grain=0.1)
    with canvas.sheet() as pen:
        pen.rectangle(*at(0.31, 1.1), *at(0.41, 0.77), lighter(roof, -0.1))
        pen.polygon(at.path("-.2,1.02 .475,1.02 .66,.52 .14,.52"), roof)
        pen.line(at.path("-.55,.5 -.19,1 .15,.52"), size * 0.035, lighter(roof, -0.12))
        pen.rectangle(*at(-0.24, 0.3), *at(-0.08, 0), lighter(roof, -0.08))
        glass = palette.light if palette.dark or canvas.chance(0.5) else lighter(palette.water[1], -0.05)
        for u, v in ((-0.43, 0.44), (0.25, 0.4), (0.44, 0.4), (-0.225, 0.69)):
            pen.rectangle(*at(u, v), *at(u + 0.11, v - 0.165), glass)


def castle(canvas: Canvas, palette: Palette, foot: float, color: Color | None) -> None:
    """Draw walls with battlements between towers with pointed roofs and flags."""
    x, size = canvas.width * canvas.between(0.42, 0.58), canvas.unit * 0.5
    wall = color or mix(palette.paper, palette.near, 0.55 if palette.dark else 0.3)
    roof = palette.accents[0]
    for dx, wide, tall, shade in ((-0.22, 0.15, 0.78, -0.1), (0.24, 0.14, 0.7, -0.1), (0.02, 0.2, 1.0, -0.05)):
        _turret(canvas, x + dx * size, foot, wide * size, tall * size, lighter(wall, shade), roof, palette)
    curtain = canvas.pen()
    curtain.rectangle(x - size * 0.45, foot - size * 0.36, x + size * 0.45, foot)
    for i in range(9):
        left = x - size * 0.45 + i * size * 0.106
        curtain.rectangle(left, foot - size * 0.41, left + size * 0.055, foot - size * 0.35)
    canvas.wash(curtain, lighter(wall, 0.03), lighter(wall, -0.05), grain=0.1)
    for dx, tall in ((-0.45, 0.58), (0.45, 0.52)):
        _turret(canvas, x + dx * size, foot, 0.17 * size, tall * size, wall, roof, palette)
    with canvas.sheet() as pen:
        pen.circle(x, foot - size * 0.15, size * 0.075, palette.ink)
        pen.rectangle(x - size * 0.075, foot - size * 0.15, x + size * 0.075, foot, palette.ink)


def _turret(
    canvas: Canvas, x: float, foot: float, wide: float, tall: float, wall: Color, roof: Color, palette: Palette
) -> None:
    body, cone = canvas.pen(), canvas.pen()
    body.rectangle(x - wide / 2, foot - tall * 0.72, x + wide / 2, foot)
    canvas.wash(body, lighter(wall, 0.07), wall, lighter(wall, -0.12), sideways=True)
    cone.polygon([(x - wide * 0.64, foot - tall * 0.7), (x, foot - tall * 1.12), (x + wide * 0.64, foot - tall * 0.7)])
    canvas.wash(cone, lighter(roof, 0.05), roof, lighter(roof, -0.14), sideways=True)
    with canvas.sheet() as pen:
        pen.line([(x, foot - tall * 1.12), (x, foot - tall * 1.24)], max(1.0, wide * 0.03), palette.ink)
        pen.polygon(
            [(x, foot - tall * 1.24), (x + wide * 0.35, foot - tall * 1.205), (x, foot - tall * 1.17)],
            palette.accents[1],
        )
        pen.ellipse(x, foot - tall * 0.52, wide * 0.09, wide * 0.17, palette.light if palette.dark else palette.ink)


def lighthouse(canvas: Canvas, palette: Palette, x: float, foot: float, color: Color | None = None) -> None:
    """Draw a striped tower on a rock; its beam shines when it is dark."""
    tall = canvas.unit * 0.5
    top = foot - tall
    if palette.dark:
        _beam(canvas, palette, x, top - tall * 0.05)
    rock = canvas.pen()
    rock.blob(
        [
            (x - tall * 0.42, foot + tall * 0.2),
            (x - tall * 0.25, foot),
            (x, foot - tall * 0.04),
            (x + tall * 0.28, foot + tall * 0.02),
            (x + tall * 0.5, foot + tall * 0.22),
        ]
    )
    canvas.wash(rock, palette.land(0.85), palette.ink, grain=0.14)
    stripe = color or palette.accents[0]
    with canvas.sheet() as pen:
        for i in range(6):
            low, high = i / 6, (i + 1) / 6
            left, right = tall * (0.12 - 0.05 * low), tall * (0.12 - 0.05 * high)
            shade = stripe if i % 2 else (246, 240, 228)
            shade = mix(shade, palette.ink, 0.2) if palette.dark else shade
            a, b = foot - tall * low, foot - tall * high
            pen.polygon([(x - left, a), (x - right, b), (x + right, b), (x + left, a)], shade)
            pen.polygon(
                [(x + left * 0.3, a), (x + right * 0.3, b), (x + right, b), (x + left, a)], lighter(shade, -0.1)
            )
        pen.rectangle(x - tall * 0.1, top - tall * 0.015, x + tall * 0.1, top + tall * 0.01, palette.ink)
        pen.rectangle(x - tall * 0.05, top - tall * 0.1, x + tall * 0.05, top - tall * 0.015, palette.light)
        pen.polygon(
            [(x - tall * 0.07, top - tall * 0.1), (x, top - tall * 0.19), (x + tall * 0.07, top - tall * 0.1)],
            lighter(stripe, -0.1),
        )
    canvas.glow(x, top - tall * 0.05, tall * 0.3, palette.light, 0.7)


def _beam(canvas: Canvas, palette: Palette, x: float, y: float) -> None:
    far = -canvas.width if x > canvas.width / 2 else 2 * canvas.width
    beam = canvas.pen()
    beam.polygon([(x, y), (far, y - canvas.unit * 0.4), (far, y + canvas.unit * 0.12)])
    canvas.wash(beam, palette.light, strength=0.22)
