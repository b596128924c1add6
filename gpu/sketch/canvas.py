"""The canvas: antialiased forms, grainy gradients and glows.

All lengths are pixels of the finished picture. Forms are drawn larger (`detail` times) and shrunk, which is
the antialiasing; gradients are stippled with noise like a risograph print, which hides their banding.
"""

# ruff: noqa: PLR0917 -- place, size and color in this order is how one speaks of a form
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gpu.sketch.color import Color, lighter, ramp

Point = tuple[float, float]
Box = tuple[int, int, int, int]
Noise = npt.NDArray[np.float32]

_TILE = 1024


@lru_cache(maxsize=1)
def _grain() -> Noise:
    return np.random.default_rng(11).standard_normal((_TILE, _TILE), dtype=np.float32)


@lru_cache(maxsize=1)
def _brush() -> Noise:
    """Return long soft horizontal streaks, -1..1, like a wide dry brush."""
    small = np.random.default_rng(12).integers(0, 256, (_TILE // 4, _TILE // 64), dtype=np.uint8)
    streaks = Image.fromarray(small).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
    return np.asarray(streaks, np.float32) / 127.5 - 1


def paper_grain(width: int, height: int) -> npt.NDArray[np.int16]:
    """Return small differences of lightness, height x width x 1, the same for every picture."""
    return (_window(_grain(), width, height, 77, 31) * 3.5).astype(np.int16)[..., None]


def _window(tile: Noise, width: int, height: int, left: int, top: int) -> Noise:
    """Return a window of the endlessly repeated tile."""
    rows = (np.arange(height) + top) % _TILE
    if left % _TILE + width <= _TILE:
        return tile[rows, left % _TILE : left % _TILE + width]
    return tile[rows][:, (np.arange(width) + left) % _TILE]


class Pen:
    """Draws forms onto an enlarged sheet, in one color (a mask) or in many."""

    def __init__(self, image: Image.Image, detail: int) -> None:
        self.image = image
        self._detail = detail
        self._draw = ImageDraw.Draw(image)

    def polygon(self, points: Sequence[Point], fill: Color | int = 255) -> None:
        self._draw.polygon([(x * self._detail, y * self._detail) for x, y in points], fill=fill)

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: Color | int = 255) -> None:
        if right > left and bottom > top:
            d = self._detail
            # Pillow includes the last pixel, and rejects forms narrower than one, like a far trunk in a small picture.
            box = (left * d, top * d, max(left * d, right * d - 1), max(top * d, bottom * d - 1))
            self._draw.rectangle(box, fill=fill)

    def circle(self, x: float, y: float, radius: float, fill: Color | int = 255) -> None:
        self.ellipse(x, y, radius, radius, fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Color | int = 255, turn: float = 0.0) -> None:
        """`turn` in degrees, clockwise."""
        if turn:
            self.polygon(oval(x, y, rx, ry, turn), fill)
            return
        d = self._detail
        self._draw.ellipse(((x - rx) * d, (y - ry) * d, (x + rx) * d, (y + ry) * d), fill=fill)

    def ring(self, x: float, y: float, radius: float, width: float, fill: Color | int = 255) -> None:
        d = self._detail
        box = ((x - radius) * d, (y - radius) * d, (x + radius) * d, (y + radius) * d)
        self._draw.ellipse(box, outline=fill, width=max(1, round(width * d)))

    def arc(self, x: float, y: float, r: float, start: float, end: float, fill: Color | int = 255) -> None:
        """Draw a slice of a disc between two angles in degrees."""
        d = self._detail
        self._draw.pieslice(((x - r) * d, (y - r) * d, (x + r) * d, (y + r) * d), start, end, fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Color | int = 255) -> None:
        """Draw a line with round joints and ends."""
        d = self._detail
        scaled = [(x * d, y * d) for x, y in points]
        self._draw.line(scaled, fill=fill, width=max(1, round(width * d)), joint="curve")
        if width * d > 3:
            for x, y in (points[0], points[-1]):
                self.circle(x, y, width / 2, fill)

    def curve(self, points: Sequence[Point], width: float, fill: Color | int = 255) -> None:
        self.line(smooth(points), width, fill)

    def blob(self, points: Sequence[Point], fill: Color | int = 255) -> None:
        """Draw a closed smooth form through the points."""
        self.polygon(smooth(points, closed=True), fill)


class Canvas:
    """A picture of `width` x `height` pixels while it is drawn, with the random generator of its seed."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        self.width, self.height, self.rng = width, height, rng
        self.unit = min(width, height)
        self.image = Image.new("RGB", (width, height))
        self._detail = 3 if width * height <= 640 * 640 else 2

    def pen(self) -> Pen:
        """Return a pen for a form that `wash` fills."""
        return Pen(Image.new("L", (self.width * self._detail, self.height * self._detail)), self._detail)

    def wash(
        self,
        form: Pen | None,
        *stops: Color,
        grain: float = 0.07,
        brush: float = 0.03,
        sideways: bool = False,
        strength: float = 1.0,
        span: tuple[float, float] | None = None,
    ) -> None:
        """Fill a form (None: everything) with a stippled gradient from top to bottom (or left to right).

        `span` is the start and end of the gradient in pixels, by default the form's edges.
        """
        box, mask = self._shrunk(form) if form else ((0, 0, self.width, self.height), None)
        if box is None:
            return
        fill = Image.fromarray(self._shade(box, stops, grain, brush, sideways, span))
        if mask is not None and strength < 1:
            mask = mask.point(lambda value: value * strength)
        self.image.paste(fill, box[:2], mask)

    def _shrunk(self, form: Pen) -> tuple[Box | None, Image.Image | None]:
        """Return the form at the picture's size: its box, and its mask in that box."""
        drawn, d = form.image.getbbox(), self._detail
        if drawn is None:
            return None, None
        box = (drawn[0] // d, drawn[1] // d, -(-drawn[2] // d), -(-drawn[3] // d))
        return box, form.image.reduce(d, (box[0] * d, box[1] * d, box[2] * d, box[3] * d))

    def _shade(
        self,
        box: Box,
        stops: tuple[Color, ...],
        grain: float,
        brush: float,
        sideways: bool,
        span: tuple[float, float] | None,
    ) -> npt.NDArray[np.uint8]:
        left, top, right, bottom = box
        low, high = (left, right) if sideways else (top, bottom)
        begin, end = span or (low, high)
        run = ((np.arange(low, high, dtype=np.float32) - begin) / max(1.0, end - begin)).astype(np.float32)
        run = run[None, :] if sideways else run[:, None]
        size = (right - left, bottom - top)
        dx, dy = (int(n) for n in self.rng.integers(0, _TILE, 2))
        place = run + grain * _window(_grain(), *size, dx, dy) + brush * _window(_brush(), *size, dx, dy)
        index = np.clip(place * 255, 0, 255).astype(np.uint8)
        shaded: npt.NDArray[np.uint8] = np.take(ramp(stops), index, axis=0)
        return shaded

    @contextmanager
    def sheet(self) -> Iterator[Pen]:
        """Yield a pen of many colors over the picture."""
        d = self._detail
        large = self.image.resize((self.width * d, self.height * d), Image.Resampling.NEAREST)
        pen = Pen(large, d)
        yield pen
        self.image = pen.image.reduce(d)

    def disc(self, x: float, y: float, radius: float, color: Color) -> None:
        form = self.pen()
        form.circle(x, y, radius)
        self.wash(form, lighter(color, 0.07), color, lighter(color, -0.07), grain=0.12)

    def glow(self, x: float, y: float, radius: float, color: Color, strength: float = 1.0) -> None:
        """Draw a soft light that fades out at `radius`."""
        far = np.hypot(*np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64)))
        soft = (np.clip(1 - far, 0, 1) ** 2 * 255 * strength).astype(np.uint8)
        side = max(2, round(2 * radius))
        mask = Image.fromarray(soft).resize((side, side), Image.Resampling.BICUBIC)
        self.image.paste(color, (round(x - radius), round(y - radius)), mask)

    def mist(self, middle: float, spread: float, color: Color, strength: float) -> None:
        """Draw a soft horizontal band of mist, densest at the height `middle`."""
        rows = np.arange(self.height, dtype=np.float32)
        density = np.exp(-(((rows - middle) / spread) ** 2)) * 255 * strength
        mask = Image.fromarray(density.astype(np.uint8)[:, None]).resize(self.image.size)
        self.image.paste(color, (0, 0), mask)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, low: int, high: int) -> int:
        """Return a random integer, both ends included."""
        return int(self.rng.integers(low, high + 1))


class Frame:
    """Coordinates of a figure: u to the right (to the left if flipped), v up, in sizes from its foot."""

    def __init__(self, x: float, foot: float, size: float, flip: bool = False) -> None:
        self.x, self.foot, self.size, self.side = x, foot, size, -1 if flip else 1

    def __call__(self, u: float, v: float) -> Point:
        return self.x + self.side * u * self.size, self.foot - v * self.size

    def all(self, *points: Point) -> list[Point]:
        return [self(u, v) for u, v in points]

    def path(self, points: str) -> list[Point]:
        """Return the places of points as in SVG: "u,v u,v ..."."""
        return [self(float(u), float(v)) for u, _, v in (point.partition(",") for point in points.split())]


def oval(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> list[Point]:
    angle = math.radians(turn)
    cos, sin = math.cos(angle), math.sin(angle)
    steps = [i * math.tau / 48 for i in range(48)]
    round_ = [(rx * math.cos(a), ry * math.sin(a)) for a in steps]
    return [(x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in round_]


def smooth(points: Sequence[Point], closed: bool = False, steps: int = 12) -> list[Point]:
    """Return a Catmull-Rom curve through the points."""
    around = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    result: list[Point] = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        for i in range(steps):
            t = i / steps
            result.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    return result if closed else [*result, points[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
