"""Makes an init image of a picture that somebody brings. Knows no row and no storage."""

from PIL import Image

from core.errors import Refused
from core.imaging import reader
from core.imaging.finishing import QUALITY, webp

# No backend starts from more.
START_SIDE = 1536


def as_start(data: bytes) -> bytes:
    """A user's picture as a backend may start from it: a WebP in sRGB, upright, on white, no larger than needed, with
    no metadata inside; of an animation the first frame.

    Raises Refused: "no_start_picture" for what is no picture, "start_too_large", "start_too_slow".
    """
    try:
        picture = reader.read(data, _fitting)
    except reader.TooLarge as error:
        raise Refused("start_too_large", str(error)) from error
    except reader.TooSlow as error:
        raise Refused("start_too_slow", str(error)) from error
    except reader.Unreadable as error:
        raise Refused("no_start_picture", str(error)) from error
    picture.thumbnail((START_SIDE, START_SIDE), Image.Resampling.LANCZOS)
    return webp(picture, quality=QUALITY)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height within START_SIDE; a smaller picture keeps its own."""
    share = min(1.0, START_SIDE / max(size))
    return max(1, int(size[0] * share)), max(1, int(size[1] * share))
