"""Make an init image from a user's picture."""

from PIL import Image

from core import image_reader
from core.errors import Refused
from core.imaging.derivatives import QUALITY, webp

# Pixels. No backend uses larger init images.
INIT_IMAGE_MAX_SIDE = 1536


def sanitize_init_image(data: bytes) -> bytes:
    """Return a user's picture as a WebP in sRGB: upright, on white, without metadata, only the first frame.

    Raises Refused: "no_start_picture" if it is no picture, "start_too_large", "start_too_slow".
    """
    try:
        picture = image_reader.read(data, _fit)
    except image_reader.TooLarge as error:
        raise Refused("start_too_large", str(error)) from error
    except image_reader.TooSlow as error:
        raise Refused("start_too_slow", str(error)) from error
    except image_reader.Unreadable as error:
        raise Refused("no_start_picture", str(error)) from error
    picture.thumbnail((INIT_IMAGE_MAX_SIDE, INIT_IMAGE_MAX_SIDE), Image.Resampling.LANCZOS)
    return webp(picture, quality=QUALITY)


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height within INIT_IMAGE_MAX_SIDE. Smaller sizes stay the same."""
    share = min(1.0, INIT_IMAGE_MAX_SIDE / max(size))
    return max(1, int(size[0] * share)), max(1, int(size[1] * share))
