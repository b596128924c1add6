"""Encode pictures of the GPU service: a WebP with provenance, a thumbnail, a placeholder. `avif.py` does the rest."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from core.errors import TryLater
from core.imaging.provenance import Provenance, build_xmp

MIME = "image/webp"
EXTENSION = "webp"
# X takes pictures up to 5 MB; about 60 kB at 512 x 512.
QUALITY = 90
# The fastest: a fifth less CPU than the next ones, for 8 % more bytes. Pages load AVIF.
METHOD = 0
THUMB_WIDTH = 480
THUMB_QUALITY = 80
# For the large view.
WIDE_WIDTH = 960
# A picture less than WIDER times as wide as a copy is used as it is.
WIDER = 1.15
PLACEHOLDER_WIDTH = 16
MAX_PIXELS = 4096 * 4096


@dataclass(frozen=True)
class Rendition:
    """A file of a picture. Sizes in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class ImageSet:
    """A picture ready to publish: WebP, thumbnail (the same file if it is small), placeholder as data URI."""

    image: Rendition
    thumb: Rendition
    placeholder: str


def make_derivatives(data: bytes, provenance: Provenance) -> ImageSet:
    """Re-encode a picture of the GPU service. Raises TryLater("gpu_garbage") if it is no image."""
    try:
        picture = open_image(data)
    # Pillow raises many kinds of errors on malformed bytes.
    except Exception as error:
        raise TryLater("gpu_garbage", f"not an image: {type(error).__name__}") from error
    image = Rendition(webp(picture, quality=QUALITY, xmp=build_xmp(provenance)), picture.width, picture.height)
    small = scaled(picture, fit_width(picture.width, THUMB_WIDTH))
    thumb = image if small is picture else Rendition(webp(small, quality=THUMB_QUALITY), small.width, small.height)
    tiny = webp(scaled(small, PLACEHOLDER_WIDTH), quality=30)
    return ImageSet(image, thumb, f"data:{MIME};base64,{base64.b64encode(tiny).decode()}")


def fit_width(width: int, copy_width: int) -> int:
    """Return the width of a copy of a picture `width` pixels wide: its own, if that is hardly more."""
    return copy_width if width > copy_width * WIDER else width


def warm_up() -> None:
    """Load the codecs of Pillow that are loaded lazily."""
    Image.init()
    for kind in ("PNG", "JPEG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, kind)
        make_derivatives(buffer.getvalue(), Provenance("", "", "", 0))


def open_image(data: bytes) -> Image.Image:
    """Return the image. Raises whatever Pillow raises, and ValueError if it has more than MAX_PIXELS."""
    with Image.open(io.BytesIO(data)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        return image.convert("RGB")


def scaled(picture: Image.Image, width: int) -> Image.Image:
    """Return the picture `width` pixels wide, or as it is if it is not wider."""
    if width >= picture.width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def webp(picture: Image.Image, *, quality: int, xmp: bytes = b"") -> bytes:
    """Return the picture as a WebP file."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=METHOD, xmp=xmp)
    return buffer.getvalue()
