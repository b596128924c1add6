"""Decodes a picture: bounds first, a JPEG at a fraction of its size, everything else shrunk strip by strip.

bytes | prepare | open, check the size | draft | shrink | sRGB | on white | upright
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from PIL import Image, ImageChops

from . import child
from .bounds import BoundedBytes, OutOfPatience, check_size, too_slow, turn_of
from .colors import as_srgb
from .errors import TooLarge, Unreadable
from .files import Prepared, prepared

Size = tuple[int, int]

# What people have pictures in. Pillow reads fifty kinds, one of them by starting Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")
HEIC = "HEIF"
STRIP_PIXELS = 1024 * 1024
# A JPEG whose end is missing may lack so much of its height.
MAX_MISSING = 0.25
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read(data: bytes, wanted: Callable[[Size], Size]) -> Image.Image:
    """The picture as RGB in sRGB, upright, on white; of an animation the first frame.

    Args:
        data: the file.
        wanted: from the upright width and height in pixels, the width and height that are needed. What comes back has
            the shape of the picture and is the smallest that covers them; a picture that is smaller stays as it is.

    Raises:
        Unreadable, TooLarge, TooSlow: whatever the bytes are, nothing else.
    """
    file = prepared(data)
    with _opened(file) as image, turn_of(image.size, may_lie=image.format in child.FORMATS):
        turn, lies = UPRIGHT.get(_orientation(image)), _lies(image)
        needed = wanted(image.size[::-1] if lies else image.size)
        picture = _decoded(image, file.data, needed[::-1] if lies else needed)
        if file.is_cut:
            _check_missing(picture)
        upright = _on_white(as_srgb(picture, image.info))
        return upright if turn is None else upright.transpose(turn)


def size_of(data: bytes) -> Size:
    """Width and height of the upright picture in pixels, from its head alone. Raises as `read`."""
    with _opened(prepared(data)) as image:
        return image.size[::-1] if _lies(image) else image.size


@contextmanager
def _opened(file: Prepared) -> Iterator[Image.Image]:
    """Open and check it; what goes wrong meanwhile becomes one of our errors."""
    try:
        with Image.open(BoundedBytes(file.data), formats=formats()) as image:
            check_size(image.size, is_jpeg=file.is_jpeg)
            yield image
    except Unreadable:
        raise
    except OutOfPatience:
        raise too_slow() from None
    except Image.DecompressionBombError:
        raise TooLarge("far too many pixels") from None
    # Pillow raises far more than OSError on hostile bytes: whatever it is, it is no image.
    except Exception as error:
        raise Unreadable(f"not an image: {type(error).__name__}") from error


def _decoded(image: Image.Image, data: bytes, needed: Size) -> Image.Image:
    if image.format in child.FORMATS:
        return child.small_in_child(data, needed)
    return small(image, needed)


@cache
def formats() -> tuple[str, ...]:
    """What is read. HEIC needs a library beside Pillow, which may be left out."""
    try:
        import pi_heif
    except ImportError:
        return FORMATS
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return (*FORMATS, HEIC)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # what stands beside a good picture may be rubbish
        return 1


def _lies(image: Image.Image) -> bool:
    """Whether width and height change places when it is turned upright."""
    return _orientation(image) in (5, 6, 7, 8)


def small(image: Image.Image, needed: Size) -> Image.Image:
    """The smallest that covers `needed`, in one of the modes of `_plain`."""
    image.draft("RGB", needed)  # a JPEG decodes at an eighth of its size if that is enough
    picture = _shrunk(image, needed)
    share = max(needed[0] / picture.width, needed[1] / picture.height)
    if share >= 1:
        return picture
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shrunk(image: Image.Image, needed: Size) -> Image.Image:
    """By a whole factor smaller if it is more than twice as large as needed.

    It goes strip by strip: the picture as it was decoded is the only large thing in memory.
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
    """In a mode that can be scaled and has its colors said: L, LA, RGB, RGBA or CMYK."""
    if strip.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        return strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if strip.mode == "LA":
        return strip
    if strip.has_transparency_data:
        return strip.convert("RGBA")
    if strip.mode in ("L", "CMYK"):
        return strip
    return strip.convert("L" if strip.mode == "1" else "RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper


def _check_missing(picture: Image.Image) -> None:
    """Of a picture without its end the rest is one flat color. Raises Unreadable if that is much of it."""
    last = picture.getpixel((picture.width - 1, picture.height - 1))
    flat = Image.new(picture.mode, picture.size, last)
    box = ImageChops.difference(picture, flat).getbbox()
    if box is None or box[3] < picture.height * (1 - MAX_MISSING):
        raise Unreadable("much of it is missing")
