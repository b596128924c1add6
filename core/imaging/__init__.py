"""Decode and encode pictures. The only package outside `gpu/` that imports Pillow."""

from core.imaging.avatar import make_avatar
from core.imaging.avif import AVIF, can_encode_avif, make_avif
from core.imaging.derivatives import (
    EXTENSION,
    MIME,
    WIDE_WIDTH,
    ImageSet,
    Rendition,
    fit_width,
    make_derivatives,
    warm_up,
)
from core.imaging.downloads import make_jpeg, make_png, make_webp
from core.imaging.init_image import INIT_IMAGE_MAX_SIDE, sanitize_init_image
from core.imaging.preview_cards import PREVIEW_MIME, PREVIEW_SIZE, render_preview
from core.imaging.provenance import Provenance, build_xmp

__all__ = [
    "AVIF",
    "EXTENSION",
    "INIT_IMAGE_MAX_SIDE",
    "MIME",
    "PREVIEW_MIME",
    "PREVIEW_SIZE",
    "WIDE_WIDTH",
    "ImageSet",
    "Provenance",
    "Rendition",
    "build_xmp",
    "can_encode_avif",
    "fit_width",
    "make_avatar",
    "make_avif",
    "make_derivatives",
    "make_jpeg",
    "make_png",
    "make_webp",
    "render_preview",
    "sanitize_init_image",
    "warm_up",
]
