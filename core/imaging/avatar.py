"""Make an avatar from a user's picture on X."""

from PIL import Image, ImageOps

from core import image_reader
from core.errors import Refused
from core.imaging.derivatives import THUMB_QUALITY, webp

# Pixels. The largest on a page is 64, on sharp screens twice as much.
AVATAR_SIDE = 128


def make_avatar(data: bytes) -> bytes:
    """Return the middle of a user's picture as a small square WebP without metadata.

    Raises Refused("no_start_picture") if it is no picture that can be read within the limits.
    """
    try:
        picture = image_reader.read(data, _cover)
    except image_reader.Unreadable as error:
        raise Refused("no_start_picture", str(error)) from error
    side = min(AVATAR_SIDE, *picture.size)
    return webp(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS), quality=THUMB_QUALITY)


def _cover(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of which the shorter one is AVATAR_SIDE. Smaller sizes stay the same."""
    share = min(1.0, AVATAR_SIDE / min(size))
    return max(1, int(size[0] * share)), max(1, int(size[1] * share))
