"""Draw land and water: mountains, hills, dunes, seas, rivers, roads."""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gpu.sketch.canvas import Canvas, Point, smooth
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette

Line = npt.NDArray[np.float64]


def rolling(canvas: Canvas, base: float, height: float, waves: float) -> list[Point]:
    """Return a soft skyline around `base`, `height` high, with about `waves` hills."""
    x = np.linspace(0, 1, 90)
    line: Line = np.zeros_like(x)
    for times, weight in ((1.0, 0.55), (1.9, 0.3), (3.3, 0.15)):
        line += weight * np.sin(math.tau * (waves * times * x * 0.5 + canvas.between(0, 1)))
    return list(zip((x * canvas.width).tolist(), (base - height * (0.5 + 0.5 * line)).tolist(), strict=True))


def ground(canvas: Canvas, line: list[Point], *colors: Color, grain: float = 0.09) -> None:
    """Fill the ground below a skyline."""
    form = canvas.pen()
    form.polygon([(0, canvas.height), *line, (canvas.width, canvas.height)])
    top = min(y for _, y in line)
    canvas.wash(form, *colors, grain=grain, brush=0.06, span=(top, min(canvas.height, top + canvas.unit * 0.4)))


def hills(canvas: Canvas, palette: Palette, top: float, count: int = 4, color: Color | None = None) -> None:
    """Draw layers of hills from `top` to the lower edge, hazier the farther."""
    for i in range(count):
        nearness = (i + 0.6) / count
        base = top + (canvas.height - top) * (i / count) ** 1.15 + canvas.unit * 0.05
        shade = palette.land(nearness)
        if color:
            shade = mix(shade, lighter(color, 0.14 - 0.22 * nearness), 0.75)
        line = rolling(canvas, base, canvas.unit * (0.07 + 0.05 * nearness), canvas.between(1.2, 2.6))
        ground(canvas, line, lighter(shade, 0.07), lighter(shade, -0.05))


def mountains(canvas: Canvas, palette: Palette, foot: float, color: Color | None, snowy: bool) -> None:
    """Draw a hazy range and two or three great peaks before it, lit from one side."""
    _range(canvas, palette, foot)
    peaks = canvas.pick(2, 3)
    order = canvas.rng.permutation(peaks)
    for i in range(peaks):
        x = canvas.width * (0.12 + 0.76 * (order[i] + canvas.between(0.25, 0.75)) / peaks)
        height = canvas.height * canvas.between(0.26, 0.44) * (1.12 if i == 0 else 0.85)
        shade = mix(palette.land(0.35 + 0.3 * i / peaks), palette.ink, 0.4 if sum(palette.near) > 600 else 0.08)
        _peak(canvas, x, foot, height, mix(shade, color, 0.7) if color else shade, palette, snowy)


def _range(canvas: Canvas, palette: Palette, foot: float) -> None:
    count = 26
    for i, height in enumerate((0.26, 0.17)):
        line = rolling(canvas, foot - canvas.unit * 0.02, canvas.height * height, canvas.between(2, 3.4))
        rough = [(x, y + canvas.unit * float(canvas.rng.normal(0, 0.012))) for x, y in line[:: 90 // count]]
        ground(canvas, [*rough, (canvas.width, rough[-1][1])], palette.land(0.05 + 0.15 * i), palette.sky[2])


def _peak(canvas: Canvas, x: float, foot: float, height: float, color: Color, palette: Palette, snowy: bool) -> None:
    summit = (x, foot - height)
    left, right = x - height * canvas.between(0.75, 1.0), x + height * canvas.between(0.75, 1.0)
    west = _jagged(canvas, (left, foot), summit, height * 0.035)
    east = _jagged(canvas, summit, (right, foot), height * 0.035)
    ridge = _jagged(canvas, summit, (x + height * canvas.between(-0.1, 0.15), foot), height * 0.1)
    lit, shadow = canvas.pen(), canvas.pen()
    lit.polygon([*west, *east])
    canvas.wash(lit, lighter(color, 0.1), lighter(color, 0.05), mix(color, palette.sky[2], 0.55))
    shadow.polygon([*ridge[::-1], *east])
    canvas.wash(shadow, lighter(color, -0.1), lighter(color, -0.04), mix(color, palette.sky[2], 0.4))
    if snowy:
        _snow_cap(canvas, west, east, ridge, summit[1] + height * canvas.between(0.26, 0.36))


def _jagged(canvas: Canvas, start: Point, end: Point, rough: float, count: int = 11) -> list[Point]:
    shifts = canvas.rng.normal(0, rough, count)
    shifts[0] = shifts[-1] = 0
    steps = np.linspace(0, 1, count)
    x = start[0] + (end[0] - start[0]) * steps + shifts
    y = start[1] + (end[1] - start[1]) * steps
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _snow_cap(canvas: Canvas, west: list[Point], east: list[Point], ridge: list[Point], line: float) -> None:
    """Draw snow down to `line`, ending in teeth; blue in the shadow."""
    for edge, inner, color in ((west[::-1], ridge, (250, 249, 246)), (east, ridge, (196, 208, 226))):
        outer = [point for point in edge if point[1] <= line]
        inside = [point for point in inner if point[1] <= line]
        if len(outer) < 2 or len(inside) < 2:
            continue
        (x0, y0), (x1, y1) = outer[-1], inside[-1]
        drop = abs(x1 - x0) * 0.35
        teeth = [
            (x0 + (x1 - x0) * t, y0 + (y1 - y0) * t + drop * (1 if i % 2 else -0.2) * canvas.between(0.5, 1))
            for i, t in enumerate(np.linspace(0, 1, 7)[1:-1].tolist())
        ]
        form = canvas.pen()
        form.polygon([*outer, *teeth, *inside[::-1]])
        canvas.wash(form, color, grain=0)


def dunes(canvas: Canvas, palette: Palette, top: float) -> None:
    """Draw dunes with a crest each, lit on the windward side and shadowed in the lee."""
    for i in range(4):
        nearness = (i + 0.5) / 4
        base = top + (canvas.height - top) * (i / 4) ** 1.1 + canvas.unit * 0.05
        shade = mix(palette.land(nearness * 0.8), (236, 180, 112), 0.4)
        height = canvas.unit * canvas.between(0.07, 0.13) * (1 + 0.4 * nearness)
        crest = canvas.width * canvas.between(0.15, 0.85)
        back = smooth([(-9, base), (crest * 0.55, base - height * 0.3), (crest, base - height)])
        lee = smooth(
            [(crest, base - height), ((crest + canvas.width) / 2, base - height * 0.25), (canvas.width + 9, base)]
        )
        ground(canvas, [*back, *lee], lighter(shade, 0.1), shade)
        _lee_side(canvas, lee, lighter(shade, -0.12), shade)


def _lee_side(canvas: Canvas, lee: list[Point], dark: Color, shade: Color) -> None:
    """Draw the shadow, which runs down from the crest in a curve and fades into the sand."""
    x, y = lee[0]
    drop, swing = canvas.unit * 0.34, canvas.unit * canvas.between(0.04, 0.1)
    edge = smooth([(x, y), (x - swing, y + drop * 0.35), (x + swing * 0.6, y + drop * 0.7), (x + swing * 3, y + drop)])
    form = canvas.pen()
    form.polygon([*lee, (canvas.width + 9, y + drop), *edge[::-1]])
    canvas.wash(form, dark, mix(dark, shade, 0.4), shade, grain=0.1, span=(y, y + drop))


def sea(canvas: Canvas, palette: Palette, top: float, light_x: float | None, color: Color | None) -> None:
    """Draw water from `top` down, with the reflection of the light at `light_x`."""
    far, near = (lighter(color, 0.1), lighter(color, -0.12)) if color else palette.water
    water = canvas.pen()
    water.rectangle(0, top, canvas.width, canvas.height)
    canvas.wash(water, mix(far, palette.sky[2], 0.35), far, near, grain=0.06, brush=0.09)
    _swell(canvas, top, lighter(far, 0.06), 0.5)
    if light_x is not None:
        _light_path(canvas, top, light_x, palette.light)


def _swell(canvas: Canvas, top: float, color: Color, strength: float) -> None:
    form = canvas.pen()
    depth = canvas.height - top
    for _ in range(46):
        near = canvas.between(0, 1) ** 1.5
        x, y = canvas.between(0, canvas.width), top + depth * (0.02 + 0.96 * near)
        length, thick = canvas.unit * (0.02 + 0.11 * near), canvas.unit * (0.0015 + 0.005 * near)
        form.ellipse(x, y, length, thick)
    canvas.wash(form, color, strength=strength)


def glints(canvas: Canvas, top: float, palette: Palette) -> None:
    """Draw a few bright lines on still water."""
    _swell(canvas, top, mix(palette.sky[2], (255, 255, 255), 0.3), 0.35)


def _light_path(canvas: Canvas, top: float, x: float, color: Color) -> None:
    form = canvas.pen()
    depth = canvas.height - top
    for i in range(26):
        near = (i / 26) ** 1.25
        wide = canvas.unit * (0.03 + 0.09 * near) * canvas.between(0.4, 1.2)
        shift = canvas.unit * 0.07 * near * canvas.between(-1, 1)
        form.ellipse(x + shift, top + depth * (0.012 + near * 0.9), wide, canvas.unit * (0.0018 + 0.006 * near))
    canvas.wash(form, color, strength=0.8)


def waves(canvas: Canvas, palette: Palette, top: float, color: Color | None) -> None:
    """Draw a few big waves with crests of foam at the lower edge."""
    near = lighter(color, -0.08) if color else palette.water[1]
    for i in range(3):
        base = top + (canvas.height - top) * (0.45 + 0.24 * i)
        line = rolling(canvas, base, canvas.unit * 0.045, 4.5 - i)
        foam = [(x, y - canvas.unit * 0.008) for x, y in line]
        ground(canvas, foam, mix(near, (255, 255, 255), 0.75), grain=0)
        ground(canvas, line, lighter(near, 0.08 - 0.05 * i), lighter(near, -0.04 - 0.05 * i))


def shore(canvas: Canvas, palette: Palette) -> None:
    """Draw a beach in the foreground, with a line of foam."""
    line = rolling(canvas, canvas.height * 0.9, canvas.unit * 0.05, 1.2)
    sand = mix(mix(palette.light, (236, 206, 160), 0.7), palette.near, 0.3 if palette.dark else 0.05)
    ground(canvas, [(x, y - canvas.unit * 0.014) for x, y in line], (250, 248, 240), grain=0)
    ground(canvas, line, sand, lighter(sand, -0.08), grain=0.14)


def river(canvas: Canvas, palette: Palette, top: float) -> None:
    """Draw a winding ribbon from the horizon to the viewer."""
    winding(canvas, top, (mix(palette.water[0], palette.sky[2], 0.5), palette.water[0], palette.water[1]), 0.34)


def road(canvas: Canvas, palette: Palette, top: float) -> None:
    winding(canvas, top, (palette.paper, mix(palette.paper, palette.near, 0.35)), 0.2)


def winding(canvas: Canvas, top: float, colors: tuple[Color, ...], width: float) -> None:
    """Draw a ribbon that swings less and widens as it comes near."""
    t = np.linspace(0, 1, 60)
    side = 1 if canvas.chance(0.5) else -1
    swing = side * np.sin(t**0.6 * math.tau * 1.15) * (0.05 + 0.2 * t) * canvas.width
    middle = canvas.width * canvas.between(0.42, 0.58) + swing
    half = canvas.width * width * 0.5 * (0.012 + t**1.8)
    y = top + (canvas.height - top) * t**1.1
    left = list(zip((middle - half).tolist(), y.tolist(), strict=True))
    right = list(zip((middle + half).tolist(), y.tolist(), strict=True))
    form = canvas.pen()
    form.polygon([*left, *right[::-1]])
    canvas.wash(form, *colors)
