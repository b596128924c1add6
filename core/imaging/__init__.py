"""Decode and encode pictures. The only package outside `gpu/` that imports Pillow."""

from core.imaging.derivatives import (
    AVIF,
    EXTENSION,
    MIME,
    ImageSet,
    Provenance,
    Rendition,
    build_xmp,
    make_derivatives,
    warm_up,
)
from core.imaging.init_image import INIT_IMAGE_MAX_SIDE, sanitize_init_image
from core.imaging.preview_cards import PREVIEW_MIME, PREVIEW_SIZE, render_preview

__all__ = [
    "AVIF",
    "EXTENSION",
    "INIT_IMAGE_MAX_SIDE",
    "MIME",
    "PREVIEW_MIME",
    "PREVIEW_SIZE",
    "ImageSet",
    "Provenance",
    "Rendition",
    "build_xmp",
    "make_derivatives",
    "render_preview",
    "sanitize_init_image",
    "warm_up",
]
