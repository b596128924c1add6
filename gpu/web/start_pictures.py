"""Reads the start pictures of strangers: any bytes in, one RGB picture of the right size or Unpaintable out.

Knows Pillow and base64; knows no engine and no HTTP. Its bounds make it safe to run beside the painting: bytes, pixels
and sides bound the memory, seconds of this thread's own CPU and scans of a JPEG bound the time. The worst that could be
made within them took 1.5 s and 270 MB, where a 40 kB JPEG had taken 6 s and a 10 MB one would take hours.
"""

from __future__ import annotations

import base64
import binascii
import io
import logging
import threading
import time
import warnings
from contextlib import nullcontext

from PIL import Image

from gpu.web.contract import MAX_START_BYTES, Unpaintable

# Formats people have pictures in. The others of Pillow (EPS starts ghostscript) are attack surface only.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# The largest photo X hands out. Pillow unfolds it to 67 MB, whatever the file weighs.
_MAX_PIXELS = 4096 * 4096
# A picture of one column has a pointer per pixel beside it: 770 MB where 67 were meant.
_MAX_SIDE = 16_384
# Encoders write a dozen. Each goes over the whole picture, up to 13 ms for the largest, and takes 15 bytes of a file.
_MAX_SCANS = 64
# Of this thread, not of the clock: a busy machine refuses nobody. Half a second is what the largest honest PNG takes.
_MAX_SECONDS = 1.0
_STRIP_PIXELS = 1024 * 1024
# Larger ones are read one at a time: a WebP of 16 Mpixels takes 265 MB while it is read.
_LARGE_PIXELS = 4 * 1024 * 1024
_one_large = threading.Lock()

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def keep_pictures_out_of_logs() -> None:
    """Pillow warns of what is odd in a file, which is its sender's business, and at level debug quotes it."""
    warnings.filterwarnings("ignore", module=r"PIL(\..*)?")
    logging.getLogger("PIL").setLevel(logging.INFO)


def decode_start(text: str, width: int, height: int) -> Image.Image:
    """The base64 of a picture as RGB, upright, on white, cropped and scaled to width x height; of an animation the
    first frame. Raises Unpaintable for `init_image`, whatever the bytes are."""
    data = _bytes_of(text)
    if data.count(b"\xff\xda") > _MAX_SCANS and data.startswith(b"\xff\xd8"):
        raise Unpaintable(("init_image", "is not an image that can be read"))
    try:
        with Image.open(_Patience(data), formats=_FORMATS) as image:
            _check_size(image)
            with _one_large if image.width * image.height > _LARGE_PIXELS else nullcontext():
                return _fitted(image, width, height)
    except Unpaintable:
        raise
    except _TooSlow:
        raise Unpaintable(("init_image", "takes too long to read")) from None
    # Pillow raises far more than OSError on hostile files (SyntaxError, struct.error, ValueError ...).
    except Exception:
        raise Unpaintable(("init_image", "is not an image that can be read")) from None


class _TooSlow(BaseException):
    """No Exception: Pillow takes those for the end of a broken file, and goes on."""


class _Patience(io.BytesIO):
    """Bytes that end the reading when it has cost this thread too much: Pillow asks for every chunk and segment."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._until = time.thread_time() + _MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._until:
            raise _TooSlow
        return super().read(size)


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


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > _MAX_PIXELS:
        raise Unpaintable(("init_image", f"has more than {_MAX_PIXELS} pixels"))
    if max(image.size) > _MAX_SIDE:
        raise Unpaintable(("init_image", f"has a side of more than {_MAX_SIDE} pixels"))


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(image))
    lying = turn is not None and turn not in (
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.ROTATE_180,
    )
    size = (height, width) if lying else (width, height)
    image.draft("RGB", size)  # a JPEG decodes at an eighth of its size where that is enough
    fitted = _shrunk(image, size).resize(size, Image.Resampling.LANCZOS)
    return fitted if turn is None else fitted.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # what stands beside a good picture may be rubbish
        return 1


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of the picture in the shape of `size`, by a whole factor smaller where it is more than twice as large.

    It goes strip by strip: the picture as it was decoded is the only large thing in memory.
    """
    left, top, width, height = _middle(image.size, size)
    factor = max(1, min(width // (2 * size[0]), height // (2 * size[1])))
    small = Image.new("RGB", (width // factor, height // factor))
    rows = max(1, _STRIP_PIXELS // (width * factor))
    for row in range(0, small.height, rows):
        end = min(small.height, row + rows)
        box = (left, top + row * factor, left + small.width * factor, top + end * factor)
        small.paste(_on_white(image.crop(box)).reduce(factor), (0, row))
    return small


def _middle(given: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, top, width and height of the largest middle part of `given` that has the shape of `wanted`."""
    (width, height), (a, b) = given, wanted
    width, height = min(width, max(1, round(height * a / b))), min(height, max(1, round(width * b / a)))
    return (given[0] - width) // 2, (given[1] - height) // 2, width, height


def _on_white(strip: Image.Image) -> Image.Image:
    if strip.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        strip = strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not strip.has_transparency_data:
        return strip.convert("RGB")
    above = strip.convert("RGBA")
    paper = Image.new("RGB", strip.size, "white")
    paper.paste(above, mask=above)
    return paper
