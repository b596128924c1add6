"""Turns painted pictures into bytes, for a thread pool beside the engine thread.

Knows Pillow and base64; knows no engine and no HTTP. JPEG at quality 95 without colour subsampling is the
default: 1 ms for 512x512 and no difference to see, where Pillow's default PNG takes 80 to 180 ms.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

Format = Literal["jpeg", "png", "webp"]

# (mime, Pillow's name, options). webp is lossless at its fastest: 13 ms for 512x512, like PNG at level 1.
_FORMATS: dict[Format, tuple[str, str, dict[str, Any]]] = {
    "jpeg": ("image/jpeg", "JPEG", {"quality": 95, "subsampling": 0}),
    "png": ("image/png", "PNG", {"compress_level": 1}),
    "webp": ("image/webp", "WEBP", {"lossless": True, "quality": 0, "method": 0}),
}


@dataclass(frozen=True)
class Encoded:
    image: str  # base64
    mime: str


def encode(image: Image.Image, form: Format) -> Encoded:
    """Encode an RGB picture of any size; the mime says truthfully which format it is."""
    mime, name, options = _FORMATS[form]
    buffer = io.BytesIO()
    image.save(buffer, format=name, **options)
    return Encoded(base64.b64encode(buffer.getbuffer()).decode("ascii"), mime)
