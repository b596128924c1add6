"""Parse, mix and turn colors in OKLab, in which equal steps look equal."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]
Lab = tuple[float, float, float]

# From OKLab to sRGB: a and b to cone responses, then cones to linear red, green, blue.
_TO_CONES = ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def rgb(code: str) -> Color:
    """Return `F2B872` as (242, 184, 114)."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@lru_cache(maxsize=4096)
def to_lch(color: Color) -> Lab:
    """Return lightness 0..1, chroma 0..0.4 and hue in radians (Björn Ottosson's OKLab)."""
    red, green, blue = (_linear(part / 255) for part in color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    light = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return light, math.hypot(a, b), math.atan2(b, a)


def from_lch(light: float, chroma: float, hue: float) -> Color:
    """Return the nearest sRGB color, clipped to the range."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    cones = [(light + a * p + b * q) ** 3 for p, q in _TO_CONES]
    red, green, blue = (_byte(sum(x * y for x, y in zip(row, cones, strict=True))) for row in _TO_RGB)
    return red, green, blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _byte(part: float) -> int:
    part = min(1.0, max(0.0, part))
    curved = 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
    return round(curved * 255)


def mix(one: Color, other: Color, share: float) -> Color:
    """Return a mix: `share` 0 is `one`, 1 is `other`."""
    lab_one, lab_other = _lab(one), _lab(other)
    light, a, b = (x + (y - x) * share for x, y in zip(lab_one, lab_other, strict=True))
    return from_lch(light, math.hypot(a, b), math.atan2(b, a))


def lighter(color: Color, by: float) -> Color:
    """Return a lighter color (darker if `by` is negative)."""
    light, chroma, hue = to_lch(color)
    return from_lch(min(0.99, max(0.05, light + by)), chroma, hue)


def turned(color: Color, degrees: float) -> Color:
    light, chroma, hue = to_lch(color)
    return from_lch(light, chroma, hue + math.radians(degrees))


def _lab(color: Color) -> Lab:
    light, chroma, hue = to_lch(color)
    return light, chroma * math.cos(hue), chroma * math.sin(hue)


@lru_cache(maxsize=512)
def ramp(stops: tuple[Color, ...]) -> npt.NDArray[np.uint8]:
    """Return a smooth gradient through the stops, 256 x 3 bytes, as `mix` for a whole row at once."""
    places = np.linspace(0, len(stops) - 1, 256)
    labs = np.array([_lab(stop) for stop in stops])
    light, a, b = (np.interp(places, np.arange(len(stops)), labs[:, part]) for part in range(3))
    cones = np.stack([light + a * p + b * q for p, q in _TO_CONES], axis=-1) ** 3
    linear = np.clip(cones @ np.array(_TO_RGB).T, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curved * 255), np.uint8)
