"""Opens and makes pictures: the only package outside `gpu/` that knows Pillow. Knows no row and no storage."""

from core.imaging.finishing import AVIF, EXTENSION, MIME, Copy, Finished, Provenance, finish, warm_up, xmp_of
from core.imaging.previews import PREVIEW_MIME, PREVIEW_SIZE, preview
from core.imaging.starting import START_SIDE, as_start

__all__ = [
    "AVIF",
    "EXTENSION",
    "MIME",
    "PREVIEW_MIME",
    "PREVIEW_SIZE",
    "START_SIDE",
    "Copy",
    "Finished",
    "Provenance",
    "as_start",
    "finish",
    "preview",
    "warm_up",
    "xmp_of",
]
