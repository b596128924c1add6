"""A whole sketch, from a prompt and a seed to a finished picture with its grain and its mark.

Knows the order of the work; the words, colours and forms are in its neighbours. Deterministic: the same
prompt, seed and size give the same pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gpu.sketch.abstract import abstract
from gpu.sketch.canvas import Canvas, paper_grain
from gpu.sketch.palette import palette_for
from gpu.sketch.scene import compose
from gpu.sketch.words import Reading, read

# A mood alone is a landscape too: "a winter evening" names no noun we know.
_IMPLIED = {
    "night": ("moon", "star", "hill"),
    "sunset": ("sun", "sea"),
    "dawn": ("sun", "hill"),
    "storm": ("rain", "sea"),
    "winter": ("snow", "forest"),
    "autumn": ("forest", "hill"),
    "spring": ("tree", "garden"),
    "summer": ("sun", "garden"),
    "fog": ("forest", "hill"),
    "space": ("galaxy",),
}


def sketch(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """An RGB picture for any text at all: a scene when we know a word of it, else an abstract one."""
    reading = _with_implied(read(prompt))
    canvas = Canvas(width, height, np.random.default_rng([reading.key, seed]))
    if reading.nouns:
        compose(canvas, reading, palette_for(reading, canvas.rng))
        if canvas.chance(0.5):
            canvas.image = canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        abstract(canvas, reading.key, reading.colours)
    return _marked(_grained(canvas.image))


def sketch_over(start: Image.Image, prompt: str, seed: int, strength: float) -> Image.Image:
    """The start image (RGB) printed in the sketch's colours; with more strength more of the sketch itself."""
    own = sketch(prompt, seed, start.width, start.height)
    printed = _printed_in(start, own)
    blend = Image.blend(start, printed, min(1.0, strength * 1.4))
    return _marked(Image.blend(blend, own, max(0.0, strength - 0.45) / 0.55))


def _printed_in(start: Image.Image, own: Image.Image) -> Image.Image:
    """The start image in the eight commonest colours of the sketch, by lightness."""
    palette = own.quantize(8, method=Image.Quantize.MEDIANCUT).convert("RGB").resize((64, 64))
    colours = sorted({tuple(c) for c in np.asarray(palette).reshape(-1, 3).tolist()}, key=sum)
    stops = np.linspace(0, 255, len(colours))
    steps = np.arange(256)
    table = [np.interp(steps, stops, [colour[band] for colour in colours]) for band in range(3)]
    grey = np.asarray(start.convert("L"))
    flat = (grey // 32) * 32 + 16
    return Image.fromarray(np.stack(table, axis=-1)[flat].astype(np.uint8))


def _with_implied(reading: Reading) -> Reading:
    if reading.nouns:
        return reading
    implied = next((_IMPLIED[mood] for mood in reading.moods if mood in _IMPLIED), ())
    return Reading(dict.fromkeys(implied, 1), {}, reading.colours, reading.moods, reading.key)


def _grained(image: Image.Image) -> Image.Image:
    """Paper grain over everything, so that no area is dead flat."""
    pixels = np.asarray(image, np.int16) + paper_grain(image.width, image.height)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _marked(image: Image.Image) -> Image.Image:
    """A small "sketch" in the lower right corner: nobody shall take it for a model's work."""
    size = max(9, min(image.size) // 40)
    left, top, right, bottom = _font(size).getbbox("sketch")
    x, y = image.width - (right - left) - size, image.height - (bottom - top) - size
    under = image.crop((int(x), int(y), image.width, image.height)).convert("L").reduce(4)
    dark = float(np.asarray(under).mean()) < 140
    overlay = Image.new("L", image.size)
    ImageDraw.Draw(overlay).text((x - left, y - top), "sketch", fill=170, font=_font(size))
    image.paste((255, 252, 244) if dark else (38, 36, 44), (0, 0), overlay)
    return image


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
