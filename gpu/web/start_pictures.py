"""Reads the start pictures of strangers: any bytes in, one RGB picture of the right size or Unpaintable out.

Knows Pillow and base64; knows no engine and no HTTP. What makes it safe to run beside the painting stands in
`reader/bounds.py`.
"""

from __future__ import annotations

import base64
import binascii
import logging
import warnings
from collections.abc import Callable
from typing import TypeVar

from PIL import Image

from gpu.web import reader
from gpu.web.contract import MAX_START_BYTES, Unpaintable

Result = TypeVar("Result")


def keep_pictures_out_of_logs() -> None:
    """Pillow warns of what is odd in a file, which is its sender's business, and at level debug quotes it."""
    warnings.filterwarnings("ignore", module=r"PIL(\..*)?")
    logging.getLogger("PIL").setLevel(logging.INFO)


def decode_start(text: str, width: int, height: int) -> Image.Image:
    """The base64 of a picture as RGB in sRGB, upright, on white, cropped and scaled to width x height; of an animation
    the first frame. Raises Unpaintable for `init_image`, whatever the bytes are."""
    data = _bytes_of(text)
    picture = _tried(lambda: reader.read(data, lambda _size: (width, height)))
    box = _middle(picture.size, (width, height))
    return picture.resize((width, height), Image.Resampling.LANCZOS, box=box)


def ratio_of_start(text: str) -> float:
    """Width divided by height of the upright picture, from its head alone. Raises Unpaintable for `init_image`."""
    data = _bytes_of(text)
    width, height = _tried(lambda: reader.size_of(data))
    return width / height


def _tried(read: Callable[[], Result]) -> Result:
    try:
        return read()
    except reader.TooLarge as error:
        raise Unpaintable(("init_image", f"is too large: {error}")) from None
    except reader.TooSlow:
        raise Unpaintable(("init_image", "takes too long to read")) from None
    except reader.Unreadable:
        raise Unpaintable(("init_image", "is not an image that can be read")) from None


def _bytes_of(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unpaintable(("init_image", "is not base64")) from None
    if not data:
        raise Unpaintable(("init_image", "is empty"))
    if len(data) > MAX_START_BYTES:
        raise Unpaintable(("init_image", f"is larger than {MAX_START_BYTES} bytes"))
    return data


def _middle(given: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """left, top, right and bottom of the largest middle part of `given` that has the shape of `wanted`."""
    (width, height), (a, b) = given, wanted
    part_width, part_height = min(width, height * a / b), min(height, width * b / a)
    left, top = (width - part_width) / 2, (height - part_height) / 2
    return left, top, left + part_width, top + part_height
