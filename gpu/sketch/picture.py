"""The sketch engine's one function: from a prompt and a seed to a finished picture, with paper grain and a mark.

It is deterministic: the same prompt, seed and size give the same pixels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gpu.sketch.abstract import abstract
from gpu.sketch.canvas import Canvas, paper_grain
from gpu.sketch.palette import palette_for
from gpu.sketch.prompt_parser import ParsedPrompt, parse_prompt
from gpu.sketch.scene import compose
from gpu.sketch.styles import apply_style

# A mood alone is a landscape too: "a winter evening" has no known noun.
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


def sketch(
    prompt: str,
    seed: int,
    width: int,
    height: int,
    *,
    init_image: Image.Image | None = None,
    strength: float = 1.0,
) -> Image.Image:
    """Return an RGB picture for any prompt: a scene if it has a known word, else an abstract composition.

    With an `init_image` (RGB, of the same size) it prints that in the sketch's colors. The more `strength`, the more of
    the sketch itself shows. If the prompt names a style, the picture is rendered in it.
    """
    picture = _draw(prompt, seed, width, height)
    if init_image is not None:
        printed = Image.blend(init_image, _printed_in(init_image, picture), min(1.0, strength * 1.4))
        picture = Image.blend(printed, picture, max(0.0, strength - 0.45) / 0.55)
    return _marked(apply_style(prompt, picture))


def _draw(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    parsed = _with_implied(parse_prompt(prompt))
    canvas = Canvas(width, height, np.random.default_rng([parsed.key, seed]))
    if parsed.nouns:
        compose(canvas, parsed, palette_for(parsed, canvas.rng))
        if canvas.chance(0.5):
            canvas.image = canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        abstract(canvas, parsed.key, parsed.colors)
    return _grained(canvas.image)


def _printed_in(init_image: Image.Image, sketched: Image.Image) -> Image.Image:
    """Return the init image in the eight most common colors of the sketch, by lightness."""
    palette = sketched.quantize(8, method=Image.Quantize.MEDIANCUT).convert("RGB").resize((64, 64))
    colors = sorted({tuple(c) for c in np.asarray(palette).reshape(-1, 3).tolist()}, key=sum)
    stops = np.linspace(0, 255, len(colors))
    steps = np.arange(256)
    table = [np.interp(steps, stops, [color[band] for color in colors]) for band in range(3)]
    grey = np.asarray(init_image.convert("L"))
    flat = (grey // 32) * 32 + 16
    return Image.fromarray(np.stack(table, axis=-1)[flat].astype(np.uint8))


def _with_implied(parsed: ParsedPrompt) -> ParsedPrompt:
    if parsed.nouns:
        return parsed
    implied = next((_IMPLIED[mood] for mood in parsed.moods if mood in _IMPLIED), ())
    return replace(parsed, nouns=dict.fromkeys(implied, 1))


def _grained(image: Image.Image) -> Image.Image:
    """Add paper grain, so that no area is flat."""
    pixels = np.asarray(image, np.int16) + paper_grain(image.width, image.height)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _marked(image: Image.Image) -> Image.Image:
    """Write a small "sketch" in the lower right corner, so that it does not pass as a model's work."""
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
