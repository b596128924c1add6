"""Render a finished sketch in the style that its prompt names: ink, pixel art, watercolor, ... Pure functions.

The styles are those that the product's presets name. A real model knows far more; here each is one filter.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

Filter = Callable[[Image.Image], Image.Image]
PAPER, INK, PRUSSIAN, CREAM = (250, 247, 240), (30, 28, 36), (24, 44, 74), (244, 232, 204)


def apply_style(prompt: str, image: Image.Image) -> Image.Image:
    """Return the image in the first style that the prompt names, or unchanged."""
    text = prompt.casefold()
    found = [(text.find(words), render) for words, render in STYLES.items() if words in text]
    return min(found, key=lambda item: item[0])[1](image) if found else image


def _photo(image: Image.Image) -> Image.Image:
    """Soft light, a vignette, and colors as a camera sees them."""
    smooth = image.filter(ImageFilter.GaussianBlur(_unit(image) * 0.4))
    glow = ImageChops.screen(smooth, ImageEnhance.Brightness(smooth.filter(_blur(image, 8))).enhance(0.35))
    return _vignette(ImageEnhance.Color(glow).enhance(0.7), 0.55)


def _cinema(image: Image.Image) -> Image.Image:
    """Teal shadows, orange lights, black bars."""
    toned = ImageOps.colorize(image.convert("L"), (6, 22, 34), (255, 214, 160), mid=(92, 84, 92))
    film = _vignette(Image.blend(image, toned, 0.55), 0.6)
    bar = max(1, image.height // 9)
    film.paste((0, 0, 0), (0, 0, image.width, bar))
    film.paste((0, 0, 0), (0, image.height - bar, image.width, image.height))
    return film


def _oil(image: Image.Image) -> Image.Image:
    """Broad strokes with raised edges."""
    small = image.resize(_scaled(image, 2 * _unit(image)), Image.Resampling.BOX).filter(ImageFilter.ModeFilter(5))
    strokes = small.resize(image.size, Image.Resampling.BICUBIC)
    relief = strokes.convert("L").filter(ImageFilter.EMBOSS)
    return ImageEnhance.Color(ImageChops.overlay(strokes, relief.convert("RGB"))).enhance(1.35)


def _watercolor(image: Image.Image) -> Image.Image:
    """Pale washes that pool at their edges, on paper."""
    wash = image.filter(_blur(image, 1.6))
    pale = Image.blend(ImageEnhance.Color(wash).enhance(1.1), Image.new("RGB", image.size, PAPER), 0.42)
    pooled = _outline(image)[..., None] * np.int16(52)
    return Image.fromarray(np.clip(np.asarray(pale, np.int16) - pooled, 0, 255).astype(np.uint8))


def _ink(image: Image.Image) -> Image.Image:
    """Outlines and hatching in black: the darker, the more directions."""
    grey = np.asarray(image.convert("L").filter(_blur(image, 1)), np.int16)
    rows, columns = np.indices(grey.shape)
    step = max(3, round(2.2 * _unit(image)))
    drawn = np.zeros(grey.shape, bool)
    for limit, direction in ((165, rows + columns), (115, rows - columns), (65, rows)):
        drawn |= (grey < limit) & (direction % step < max(1, step // 3))
    return _two_tones(drawn | _outline(image), INK, PAPER)


def _pencil(image: Image.Image) -> Image.Image:
    """Graphite: shading by dodging the grey picture with its blurred negative."""
    grey = image.convert("L")
    blurred = np.asarray(ImageOps.invert(grey).filter(_blur(image, 5)), np.float32)
    dodged = np.minimum(255, np.asarray(grey, np.float32) * 255 / np.maximum(1, 255 - blurred))
    shaded = Image.fromarray((0.75 * dodged + 0.25 * np.asarray(grey, np.float32)).astype(np.uint8))
    return ImageOps.colorize(shaded, (52, 52, 58), PAPER)


def _woodcut(image: Image.Image) -> Image.Image:
    """Two colors, with carved lines that swell in the half-tones."""
    grey = np.asarray(image.convert("L").filter(_blur(image, 1.2)), np.float32)
    rows, columns = np.indices(grey.shape)
    period = 5 * _unit(image)
    carved = 128 + 84 * np.sin(2 * np.pi * (rows + 1.5 * _unit(image) * np.sin(columns / (9 * period))) / period)
    return _two_tones((grey < carved) | _outline(image), PRUSSIAN, CREAM)


def _poster(image: Image.Image) -> Image.Image:
    """Few flat colors in a cream frame."""
    flat = image.filter(_blur(image, 2)).quantize(6, dither=Image.Dither.NONE).convert("RGB")
    border = min(round(6 * _unit(image)), (min(image.size) - 1) // 2)
    return ImageOps.expand(ImageOps.fit(flat, (image.width - 2 * border, image.height - 2 * border)), border, CREAM)


def _comic(image: Image.Image) -> Image.Image:
    """Flat bright colors, half-tone dots, black outlines."""
    flat = ImageOps.posterize(ImageEnhance.Color(image.filter(_blur(image, 1))).enhance(1.6), 2)
    flat = ImageEnhance.Brightness(flat).enhance(1.35)
    rows, columns = np.indices((image.height, image.width))
    step = max(4, round(3 * _unit(image)))
    dots = ((rows % step - step / 2) ** 2 + (columns % step - step / 2) ** 2) < (step / 3.2) ** 2
    dark = np.asarray(image.convert("L")) < 120
    pixels = np.asarray(flat).copy()
    pixels[dots & dark] = pixels[dots & dark] // 2
    pixels[_outline(image)] = INK
    return Image.fromarray(pixels)


def _anime(image: Image.Image) -> Image.Image:
    """Vivid colors in few steps of light, with thin dark lines."""
    flat = ImageOps.posterize(image.filter(_blur(image, 1.4)), 4)
    vivid = ImageEnhance.Brightness(ImageEnhance.Color(flat).enhance(1.7)).enhance(1.15)
    pixels = np.asarray(vivid).copy()
    pixels[_outline(image)] = (70, 40, 80)
    return Image.fromarray(pixels)


def _pixel(image: Image.Image) -> Image.Image:
    """Large square pixels in sixteen colors."""
    small = image.resize(_scaled(image, 5 * _unit(image)), Image.Resampling.BOX)
    few = ImageEnhance.Color(small).enhance(1.3).quantize(16, dither=Image.Dither.NONE).convert("RGB")
    return few.resize(image.size, Image.Resampling.NEAREST)


def _clay(image: Image.Image) -> Image.Image:
    """Soft, rounded shapes lit from one side."""
    soft = image.filter(_blur(image, 2))
    height = np.asarray(soft.convert("L").filter(_blur(image, 3)), np.float32)
    light = np.clip(128 + 9 * (np.roll(height, 3, (0, 1)) - height), 40, 216).astype(np.uint8)
    return ImageEnhance.Color(ImageChops.soft_light(soft, Image.fromarray(light).convert("RGB"))).enhance(0.9)


def _lowpoly(image: Image.Image) -> Image.Image:
    """Triangles of one color each."""
    size = max(6, round(8 * _unit(image)))
    rows, columns = np.indices((image.height, image.width))
    cell_row, cell_column = rows // size, columns // size
    upper = (rows % size) + (columns % size) < size
    row = np.minimum(cell_row * size + np.where(upper, size // 3, 2 * size // 3), image.height - 1)
    column = np.minimum(cell_column * size + np.where(upper, size // 3, 2 * size // 3), image.width - 1)
    facets = np.asarray(image.filter(_blur(image, 2)), np.int16)[row, column]
    return Image.fromarray(np.clip(facets + np.where(upper, 9, -9)[..., None], 0, 255).astype(np.uint8))


def _isometric(image: Image.Image) -> Image.Image:
    """Cubes of one color, each with a light, a middle and a dark side."""
    size = max(3, round(3.5 * _unit(image)))
    rows, columns = np.indices((image.height, image.width))
    tall = size * 2
    row_of = rows // tall
    shifted = columns + (row_of % 2) * size
    cell_column = shifted // (2 * size)
    down, across = rows % tall, shifted % (2 * size) - size
    is_top = down < size - np.abs(across) / 2
    row = np.minimum(row_of * tall + size // 2, image.height - 1)
    column = np.clip(cell_column * 2 * size + size - (row_of % 2) * size, 0, image.width - 1)
    cubes = np.asarray(image.filter(_blur(image, 2)), np.int16)[row, column]
    shade = np.where(is_top, 26, np.where(across < 0, 0, -30))[..., None]
    return Image.fromarray(np.clip(cubes + shade, 0, 255).astype(np.uint8))


# By the words that a prompt with the style has.
STYLES: dict[str, Filter] = {
    "photograph": _photo,
    "film still": _cinema,
    "oil painting": _oil,
    "watercolor": _watercolor,
    "ink drawing": _ink,
    "pencil sketch": _pencil,
    "woodcut": _woodcut,
    "travel poster": _poster,
    "comic panel": _comic,
    "anime": _anime,
    "pixel art": _pixel,
    "clay figure": _clay,
    "low poly": _lowpoly,
    "isometric": _isometric,
}


def _unit(image: Image.Image) -> float:
    """Return the length of a detail: effects look the same at every size."""
    return max(1.0, min(image.size) / 160)


def _blur(image: Image.Image, units: float) -> ImageFilter.GaussianBlur:
    return ImageFilter.GaussianBlur(units * _unit(image) * 0.5)


def _scaled(image: Image.Image, divisor: float) -> tuple[int, int]:
    return max(1, round(image.width / divisor)), max(1, round(image.height / divisor))


def _outline(image: Image.Image) -> NDArray[np.bool_]:
    """Return where shapes end: paper grain is no edge."""
    grey = np.asarray(image.convert("L").filter(_blur(image, 1.6)), np.int16)
    reach = max(1, round(_unit(image) / 2))
    change = np.abs(grey - np.roll(grey, reach, 0)) + np.abs(grey - np.roll(grey, reach, 1))
    outline: NDArray[np.bool_] = change > 34
    outline[:reach], outline[:, :reach] = False, False
    return outline


def _two_tones(drawn: NDArray[np.bool_], ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray(np.where(drawn[..., None], np.array(ink, np.uint8), np.array(paper, np.uint8)))


def _vignette(image: Image.Image, darkness: float) -> Image.Image:
    rows, columns = np.ogrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - darkness * np.clip((rows**2 + columns**2) / 2, 0, 1) ** 1.5
    return Image.fromarray((np.asarray(image, np.float32) * light[..., None]).astype(np.uint8))
