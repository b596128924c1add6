"""Opens and makes pictures: the only package outside `gpu/` that knows Pillow. Knows no row and no storage."""

from core.imaging.finishing import AVIF, EXTENSION, MIME, Copy, Finished, Provenance, finish, warm_up, xmp_of
from core.imaging.starting import START_SIDE, as_start

__all__ = [
    "AVIF",
    "EXTENSION",
    "MIME",
    "START_SIDE",
    "Copy",
    "Finished",
    "Provenance",
    "as_start",
    "finish",
    "warm_up",
    "xmp_of",
]
