"""Draw the sky: sun, moon, stars, clouds, rainbows, weather."""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

import math

import numpy as np
from PIL import Image

from gpu.sketch.canvas import Canvas, Noise, Pen
from gpu.sketch.color import Color, lighter, mix
from gpu.sketch.palette import Palette


def sky(canvas: Canvas, palette: Palette, horizon: float) -> None:
    """Fill the picture with sky, brightest at the horizon (pixels from the top)."""
    canvas.wash(None, *palette.sky, grain=0.05, brush=0.03, span=(0, horizon * 1.05))


def sun(canvas: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    canvas.glow(x, y, radius * 4, lighter(color, 0.06), 0.6)
    disc = canvas.pen()
    disc.circle(x, y, radius)
    canvas.wash(disc, lighter(color, 0.03), color, mix(color, (226, 92, 62), 0.35), grain=0.1)


def moon(canvas: Canvas, x: float, y: float, radius: float, color: Color, is_crescent: bool) -> None:
    canvas.glow(x, y, radius * 3.2, color, 0.4)
    disc = canvas.pen()
    disc.circle(x, y, radius)
    if is_crescent:
        disc.circle(x + radius * 0.45, y - radius * 0.18, radius * 0.86, 0)
    canvas.wash(disc, lighter(color, 0.03), mix(color, (150, 160, 190), 0.3), grain=0.12)
    if not is_crescent:
        _craters(canvas, x, y, radius, color)


def _craters(canvas: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    with canvas.sheet() as pen:
        for dx, dy, size in ((-0.3, -0.25, 0.2), (0.32, 0.1, 0.15), (-0.08, 0.42, 0.12), (0.2, -0.5, 0.09)):
            pen.circle(x + dx * radius, y + dy * radius, size * radius, mix(color, (150, 155, 180), 0.35))


def stars(canvas: Canvas, palette: Palette, count: int, below: float) -> None:
    """Draw small stars everywhere above `below`, and a few that sparkle."""
    with canvas.sheet() as pen:
        for _ in range(count):
            x, y = canvas.between(0, canvas.width), canvas.between(0, 1) ** 1.4 * below
            pen.circle(x, y, canvas.unit * canvas.between(0.0008, 0.0026), lighter(palette.light, 0.04))
        for _ in range(5):
            x, y = canvas.between(0, canvas.width), canvas.between(0, below * 0.8)
            sparkle(pen, x, y, canvas.unit * canvas.between(0.012, 0.024), palette.light)


def sparkle(pen: Pen, x: float, y: float, size: float, color: Color) -> None:
    """Draw a star of four rays."""
    tips = [(size if i % 2 == 0 else size * 0.16, i * math.tau / 8) for i in range(8)]
    pen.polygon([(x + r * math.sin(a), y - r * math.cos(a)) for r, a in tips], color)


def galaxy(canvas: Canvas, palette: Palette) -> None:
    """Draw a milky band of light and colored clouds across the sky."""
    tilt = canvas.between(-0.9, 0.9)
    middle = canvas.between(0.35, 0.6)
    for color in (*palette.accents[:2], palette.sky[2], palette.light):
        _nebula(canvas, color, tilt, middle + canvas.between(-0.06, 0.06))
    with canvas.sheet() as pen:
        for _ in range(260):
            x = canvas.between(0, 1)
            y = middle + tilt * (x - 0.5) + float(canvas.rng.normal(0, 0.09))
            size = canvas.unit * canvas.between(0.0006, 0.002)
            pen.circle(x * canvas.width, y * canvas.height, size, (255, 250, 240))


def _nebula(canvas: Canvas, color: Color, tilt: float, middle: float) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 96), np.linspace(0, 1, 96))
    band = np.exp(-(((y - middle - tilt * (x - 0.5)) / 0.13) ** 2))
    mask = np.clip(band * clouding(canvas, 96) * 300, 0, 255).astype(np.uint8)
    soft = Image.fromarray(mask).resize(canvas.image.size, Image.Resampling.BICUBIC)
    canvas.image.paste(color, (0, 0), soft)


def clouding(canvas: Canvas, side: int) -> Noise:
    """Return cloudy noise, side x side, 0..1 with much of it near 0."""
    total = np.zeros((side, side), np.float32)
    for octave, weight in ((4, 0.5), (8, 0.3), (16, 0.2)):
        small = Image.fromarray(canvas.rng.integers(0, 256, (octave, octave), dtype=np.uint8))
        total += weight * np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    cloudy: Noise = np.clip((total - 0.35) * 1.9, 0, 1)
    return cloudy


def clouds(canvas: Canvas, color: Color, count: int, low: float, high: float) -> None:
    """Draw flat-bottomed clouds between two heights, as in cut paper."""
    for _ in range(count):
        x, y = canvas.between(0.02, 0.98) * canvas.width, canvas.between(low, high)
        _cloud(canvas, x, y, canvas.unit * canvas.between(0.1, 0.2), color)


def _cloud(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    form = canvas.pen()
    for place in np.linspace(-1, 1, 6):
        bulge = size * (0.16 + 0.26 * (1 - place**2)) * canvas.between(0.8, 1.15)
        form.circle(x + float(place) * size, y - bulge * 0.4, bulge)
    form.rectangle(0, y, canvas.width, y + size, 0)
    form.rectangle(x - size * 1.1, y - size * 0.08, x + size * 1.1, y)
    canvas.wash(form, lighter(color, 0.05), color, grain=0.12, strength=0.88)


def streaks(canvas: Canvas, color: Color, count: int, low: float, high: float) -> None:
    """Draw long thin evening clouds with round ends."""
    form = canvas.pen()
    for _ in range(count):
        x, y = canvas.between(-0.1, 0.9) * canvas.width, canvas.between(low, high)
        length, thick = canvas.width * canvas.between(0.12, 0.4), canvas.unit * canvas.between(0.006, 0.014)
        form.line([(x, y), (x + length, y)], thick)
        form.line([(x + length * 0.25, y + thick), (x + length * 0.8, y + thick)], thick)
    canvas.wash(form, color, strength=0.55)


def rainbow(canvas: Canvas, x: float, y: float, radius: float) -> None:
    hues = ((222, 92, 84), (240, 150, 82), (246, 208, 104), (128, 186, 130), (98, 156, 206), (140, 112, 184))
    for i, color in enumerate(hues):
        form = canvas.pen()
        form.circle(x, y, radius * (1 - i * 0.05))
        form.circle(x, y, radius * (0.95 - i * 0.05), 0)
        canvas.wash(form, color, strength=0.72)


def aurora(canvas: Canvas, palette: Palette, horizon: float) -> None:
    """Draw curtains of light below wavy lines."""
    x = np.linspace(0, 1, 256, dtype=np.float32)
    y = np.linspace(0, 1, 128, dtype=np.float32)[:, None]
    for color in ((112, 232, 178), palette.accents[2], (170, 120, 226)):
        phase, top = canvas.between(0, 6), canvas.between(0.45, 0.75)
        foot = top + 0.12 * np.sin(x * canvas.between(4, 8) + phase) + 0.04 * np.sin(x * 17 + phase)
        rise = (y - foot) / canvas.between(0.35, 0.5)
        curtain = np.where(rise < 0, np.exp(rise * 3), np.exp(-rise * 22))
        rays = 0.65 + 0.35 * np.sin(x * 60 + 3 * np.sin(x * 11 + phase))
        mask = Image.fromarray((curtain * rays * 150).astype(np.uint8))
        canvas.image.paste(color, (0, 0), mask.resize((canvas.width, round(horizon)), Image.Resampling.BICUBIC))


def rain(canvas: Canvas, color: Color) -> None:
    form = canvas.pen()
    for _ in range(150):
        x, y, length = canvas.between(-0.1, 1.1), canvas.between(-0.1, 1), canvas.between(0.02, 0.06)
        start = (x * canvas.width, y * canvas.height)
        end = (start[0] - length * canvas.unit * 0.22, start[1] + length * canvas.unit)
        form.line([start, end], canvas.unit * 0.0022)
    canvas.wash(form, color, strength=0.55)


def snow(canvas: Canvas) -> None:
    form = canvas.pen()
    for _ in range(170):
        size = canvas.unit * (0.0016 + 0.0066 * canvas.between(0, 1) ** 3)
        form.circle(canvas.between(0, canvas.width), canvas.between(0, canvas.height), size)
    canvas.wash(form, (253, 253, 252), strength=0.9)
