"""Abstract pictures by a free hand: bands, strokes, heights, cut paper. Knows no words.

Each style takes the paper, four shades and the ink.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from gpu.sketch.canvas import Canvas, Pen, Point
from gpu.sketch.colour import Colour, lighter, mix
from gpu.sketch.growth import leaf_form

Line = npt.NDArray[np.float64]


def bands(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Flowing bands, one over the other, with a sun."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.25), brush=0.06)
    radius = canvas.unit * canvas.between(0.12, 0.2)
    x, y = canvas.width * canvas.between(0.2, 0.8), canvas.height * canvas.between(0.16, 0.32)
    canvas.disc(x, y, radius, shades[1])
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


def strokes(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Broad dry brush strokes that follow a flow, with a few drops."""
    canvas.wash(None, paper, mix(paper, shades[0], 0.15), brush=0.05)
    angle, bend = canvas.between(0, math.tau), canvas.between(1.2, 2.8)
    for i in range(11):
        colour = ink if i == 5 else shades[i % len(shades)]
        wide = canvas.between(0.1, 0.15) if i < 4 else canvas.between(0.03, 0.08)
        _stroke(canvas, colour, _flow(canvas, angle, bend), canvas.unit * wide)
    with canvas.sheet() as pen:
        for _ in range(26):
            x, y = canvas.between(0, canvas.width), canvas.between(0, canvas.height)
            shade = shades[canvas.pick(0, len(shades) - 1)]
            pen.circle(x, y, canvas.unit * (0.002 + 0.01 * canvas.between(0, 1) ** 2), shade)


def _flow(canvas: Canvas, angle: float, bend: float) -> Line:
    """A path through a random inner point, along a field that bends gently: 16 x 2 pixels."""
    halves = []
    x0, y0 = canvas.between(0.1, 0.9), canvas.between(0.1, 0.9)
    for step in (-0.055, 0.055):
        x, y, half = x0, y0, []
        for _ in range(canvas.pick(5, 9)):
            half.append((x * canvas.width, y * canvas.height))
            turn = angle + bend * math.sin(2.2 * x + 1.5 * y)
            x, y = x + step * math.cos(turn), y + step * math.sin(turn)
        halves.append(half)
    return np.array([*halves[0][:0:-1], *halves[1]])


def _stroke(canvas: Canvas, colour: Colour, path: Line, wide: float) -> None:
    """Many hairs beside the path, some of which run dry early."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    form = canvas.pen()
    for hair in np.linspace(-1, 1, 23).tolist():
        begin, end = canvas.pick(0, 1), len(path) - canvas.pick(0, 2)
        lifted = (path + across * (hair * wide + float(canvas.rng.normal(0, wide * 0.03))))[begin:end]
        # The path is fine enough: `curve` would make it ten times as slow.
        form.line([(float(x), float(y)) for x, y in lifted], wide * canvas.between(0.08, 0.17))
    canvas.wash(form, lighter(colour, 0.06), colour, lighter(colour, -0.06), grain=0.14, sideways=True)


def contours(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
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


def cutouts(canvas: Canvas, paper: Colour, shades: list[Colour], ink: Colour) -> None:
    """Cut-paper leaves, pebbles, suns and waves on blocks of colour, after Matisse."""
    canvas.wash(None, paper, grain=0.06)
    columns = 3 if canvas.width > canvas.height * 1.3 or canvas.chance(0.35) else 2
    rows = max(2, round(columns * canvas.height / canvas.width * canvas.between(0.9, 1.3)))
    wide, tall = canvas.width / columns, canvas.height / rows
    pool, back = [*shades, paper, ink], -1
    for cell in range(columns * rows):
        left, top = (cell % columns) * wide, (cell // columns) * tall
        back, fore = (int(i) for i in canvas.rng.permutation([i for i in range(len(pool)) if i != back])[:2])
        block, form = canvas.pen(), canvas.pen()
        block.rectangle(left, top, left + wide, top + tall)
        canvas.wash(block, pool[back], lighter(pool[back], -0.03), grain=0.12)
        motif = (_frond, _frond, _pebbles, _sunburst, _ripples)[canvas.pick(0, 4)]
        motif(canvas, form, left + wide / 2, top + tall / 2, min(wide, tall) * 0.43)
        canvas.wash(form, lighter(pool[fore], 0.05), pool[fore], grain=0.12)


def _frond(canvas: Canvas, form: Pen, x: float, y: float, size: float) -> None:
    """A stem with pairs of leaves."""
    lean, y, size = canvas.between(-14, 14), y + size * 0.95, size * 1.9
    for i in range(5):
        at = (x + size * 0.15 * i * math.sin(math.radians(lean)), y - size * (0.08 + 0.15 * i))
        for side in (-1, 1):
            form.polygon(leaf_form(*at, size * (0.42 - 0.045 * i), -90 + lean + side * (66 - 8 * i)))
    form.polygon(leaf_form(x, y, size * 1.0, -90 + lean))


def _pebbles(canvas: Canvas, form: Pen, x: float, y: float, size: float) -> None:
    """Three or four stones, each smaller than the one below."""
    count = canvas.pick(3, 4)
    for i in range(count):
        share = 1 - 0.2 * i
        cx, cy = x + size * canvas.between(-0.12, 0.12), y + size * (0.75 - 1.6 * i / count)
        spread = canvas.rng.uniform(0.9, 1.08, 8)
        angles = np.linspace(0, math.tau, 9)[:8].tolist()
        rim = [(share * s * math.cos(a), share * s * math.sin(a)) for s, a in zip(spread.tolist(), angles, strict=True)]
        form.blob([(cx + u * size * 0.8, cy + v * size * 0.62 / count * 1.5) for u, v in rim])


def _sunburst(canvas: Canvas, form: Pen, x: float, y: float, size: float) -> None:
    rays, start = canvas.pick(8, 13), canvas.between(0, 360)
    form.circle(x, y, size * 0.42)
    for i in range(rays):
        turn = math.radians(start + 360 * i / rays)
        form.polygon(
            leaf_form(x + size * 0.5 * math.cos(turn), y + size * 0.5 * math.sin(turn), size * 0.55, math.degrees(turn))
        )


def _ripples(canvas: Canvas, form: Pen, x: float, y: float, size: float) -> None:
    phase = canvas.between(0, 6)
    for i in range(4):
        level = y + size * (-0.75 + 0.5 * i)
        u = np.linspace(-1, 1, 9).tolist()
        form.curve([(x + size * t, level + size * 0.15 * math.sin(4.2 * t + phase)) for t in u], size * 0.16)
