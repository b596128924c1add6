"""Decode the init image of a request: any bytes in, one RGB image of the right size or InvalidRequest out.

`core/image_reader/bounds.py` describes what makes this safe to run beside the engine.
"""

from __future__ import annotations

import base64
import binascii
import logging
import warnings
from collections.abc import Callable
from typing import TypeVar

from PIL import Image

from core import image_reader
from gpu.api.contract import MAX_INIT_IMAGE_BYTES, InvalidRequest

Result = TypeVar("Result")


def silence_pillow() -> None:
    """Keep users' files out of the logs: Pillow warns about odd files, and quotes them at level debug."""
    warnings.filterwarnings("ignore", module=r"PIL(\..*)?")
    logging.getLogger("PIL").setLevel(logging.INFO)


def decode_init_image(text: str, width: int, height: int) -> Image.Image:
    """Return a base64 image as RGB in sRGB, upright, on white, cropped and scaled to width x height.

    Of an animation it returns the first frame. Raises InvalidRequest for `init_image`, and nothing else for any bytes.
    """
    data = _decode_base64(text)
    image = _translate_errors(lambda: image_reader.read(data, lambda _size: (width, height)))
    box = _center_box(image.size, (width, height))
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)


def init_image_ratio(text: str) -> float:
    """Return width / height of the upright image, from its header alone. Raises InvalidRequest for `init_image`."""
    data = _decode_base64(text)
    width, height = _translate_errors(lambda: image_reader.size_of(data))
    return width / height


def _translate_errors(read: Callable[[], Result]) -> Result:
    try:
        return read()
    except image_reader.TooLarge as error:
        raise InvalidRequest(("init_image", f"is too large: {error}")) from None
    except image_reader.TooSlow:
        raise InvalidRequest(("init_image", "takes too long to read")) from None
    except image_reader.Unreadable:
        raise InvalidRequest(("init_image", "is not an image that can be read")) from None


def _decode_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(("init_image", "is not base64")) from None
    if not data:
        raise InvalidRequest(("init_image", "is empty"))
    if len(data) > MAX_INIT_IMAGE_BYTES:
        raise InvalidRequest(("init_image", f"is larger than {MAX_INIT_IMAGE_BYTES} bytes"))
    return data


def _center_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the largest centered part of `size` with the ratio of `target`."""
    (width, height), (across, down) = size, target
    part_width, part_height = min(width, height * across / down), min(height, width * down / across)
    left, top = (width - part_width) / 2, (height - part_height) / 2
    return left, top, left + part_width, top + part_height
