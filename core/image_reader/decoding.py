"""Decode an image: check limits first, read a JPEG at a fraction of its size, shrink others strip by strip.

bytes | prepare | open, check the size | draft | shrink | sRGB | on white | upright
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from PIL import Image, ImageChops

from . import child
from .bounds import BoundedBytes, LimitExceeded, check_size, large_image_lock, too_slow
from .colors import as_srgb
from .errors import TooLarge, Unreadable
from .files import Prepared, prepared

Size = tuple[int, int]

# Common formats. Pillow reads fifty, one of them by starting Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")
HEIC = "HEIF"
STRIP_PIXELS = 1024 * 1024
# A truncated JPEG may lack this share of its height.
MAX_MISSING = 0.25
ORIENTATION = 0x0112
EXIF_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read(data: bytes, needed_size: Callable[[Size], Size]) -> Image.Image:
    """Return the image as RGB in sRGB, upright, on white. Of an animation, return the first frame.

    Args:
        data: the file.
        needed_size: returns the needed width and height for the upright width and height in pixels. The result has
            the ratio of the image and is the smallest that covers them. Smaller images stay as they are.

    Raises:
        Unreadable, TooLarge, TooSlow: nothing else, for any bytes.
    """
    file = prepared(data)
    with _opened(file) as image, large_image_lock(image.size, may_be_larger=image.format in child.FORMATS):
        turn, is_sideways = EXIF_TRANSPOSE.get(_orientation(image)), _is_sideways(image)
        needed = needed_size(image.size[::-1] if is_sideways else image.size)
        picture = _decoded(image, file.data, needed[::-1] if is_sideways else needed)
        if file.is_cut:
            _check_missing(picture)
        upright = _flatten_alpha(as_srgb(picture, image.info))
        return upright if turn is None else upright.transpose(turn)


def size_of(data: bytes) -> Size:
    """Return width and height of the upright image in pixels, from its header alone. Raises as `read`."""
    with _opened(prepared(data)) as image:
        return image.size[::-1] if _is_sideways(image) else image.size


@contextmanager
def _opened(file: Prepared) -> Iterator[Image.Image]:
    """Open and check the image. Errors inside the block become errors of the reader."""
    try:
        with Image.open(BoundedBytes(file.data), formats=formats()) as image:
            check_size(image.size, is_jpeg=file.is_jpeg)
            yield image
    except Unreadable:
        raise
    except LimitExceeded:
        raise too_slow() from None
    except Image.DecompressionBombError:
        raise TooLarge("far too many pixels") from None
    # Pillow raises far more than OSError on hostile bytes.
    except Exception as error:
        raise Unreadable(f"not an image: {type(error).__name__}") from error


def _decoded(image: Image.Image, data: bytes, needed: Size) -> Image.Image:
    if image.format in child.FORMATS:
        return child.small_in_child(data, needed)
    return small(image, needed)


@cache
def formats() -> tuple[str, ...]:
    """Return the supported formats. HEIC needs an optional library."""
    try:
        import pi_heif
    except ImportError:
        return FORMATS
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return (*FORMATS, HEIC)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # metadata may be garbage
        return 1


def _is_sideways(image: Image.Image) -> bool:
    """Return whether turning the image upright swaps width and height."""
    return _orientation(image) in (5, 6, 7, 8)


def small(image: Image.Image, needed: Size) -> Image.Image:
    """Return the smallest image that covers `needed`, in one of the modes of `_plain`."""
    image.draft("RGB", needed)  # a JPEG decodes at an eighth of its size if that is enough
    picture = _shrunk(image, needed)
    share = max(needed[0] / picture.width, needed[1] / picture.height)
    if share >= 1:
        return picture
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shrunk(image: Image.Image, needed: Size) -> Image.Image:
    """Shrink an image by an integer factor if it is more than twice as large as needed.

    It works strip by strip, so that only the decoded image takes much memory.
    """
    factor = max(1, min(image.width // (2 * needed[0]), image.height // (2 * needed[1])))
    rows = max(1, STRIP_PIXELS // (image.width * factor))
    small = None
    for row in range(0, -(-image.height // factor), rows):
        box = (0, row * factor, image.width, min(image.height, (row + rows) * factor))
        strip = _plain(image.crop(box)).reduce(factor)
        small = small or Image.new(strip.mode, (strip.width, -(-image.height // factor)))
        small.paste(strip, (0, row))
    if small is None:
        raise Unreadable("no pixels")
    return small


def _plain(strip: Image.Image) -> Image.Image:
    """Convert a strip to a mode that can be scaled and color-managed: L, LA, RGB, RGBA or CMYK."""
    if strip.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        return strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if strip.mode == "LA":
        return strip
    if strip.has_transparency_data:
        return strip.convert("RGBA")
    if strip.mode in ("L", "CMYK"):
        return strip
    return strip.convert("L" if strip.mode == "1" else "RGB")


def _flatten_alpha(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper


def _check_missing(picture: Image.Image) -> None:
    """Raise Unreadable if much of a truncated image is missing, which shows as one flat color."""
    last = picture.getpixel((picture.width - 1, picture.height - 1))
    flat = Image.new(picture.mode, picture.size, last)
    box = ImageChops.difference(picture, flat).getbbox()
    if box is None or box[3] < picture.height * (1 - MAX_MISSING):
        raise Unreadable("much of it is missing")
