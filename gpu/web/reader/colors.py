"""Brings the colors of a picture into sRGB, as browsers do: by its profile, or by the gamma of a PNG."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageCms

# Profiles of printers have up to 3 MB. Reading a larger one takes time that nothing bounds.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
# Header of a profile: where its kind and its color space stand.
_KIND, _SPACE = slice(12, 16), slice(16, 20)
_KINDS = (b"mntr", b"scnr", b"prtr", b"spac")
_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
# Chains of any length, each link named by 8 bytes: hours of work in a small file. Browsers do not know them either.
_ENDLESS = b"mpet"
# Outside of these a gamma is a mistake.
_LEAST_GAMMA, _MOST_GAMMA = 0.01, 10.0
# What screens have: Chromium leaves it alone, unless the file says what its primary colors are.
_USUAL_GAMMA, _NEAR = 1 / 2.2, 0.0005


def as_srgb(picture: Image.Image, info: Mapping[Any, Any]) -> Image.Image:
    """The picture (L, LA, RGB, RGBA or CMYK) as RGB or RGBA in sRGB. `info`: what Pillow read beside the pixels."""
    if picture.mode in ("LA", "RGBA"):
        alpha = picture.getchannel("A")
        flat = as_srgb(picture.convert("L" if picture.mode == "LA" else "RGB"), info)
        flat.putalpha(alpha)
        return flat
    profile = info.get("icc_profile")
    if profile:
        return _by_profile(picture, profile) or picture.convert("RGB")
    gamma = _gamma_in(info)
    return _by_gamma(picture.convert("RGB"), gamma) if gamma else picture.convert("RGB")


def _gamma_in(info: Mapping[Any, Any]) -> float | None:
    """The gamma of a PNG, like 0.45455; None if its colors are those of sRGB."""
    gamma = float(info.get("gamma") or 0)
    if "srgb" in info or not _LEAST_GAMMA < gamma < _MOST_GAMMA:
        return None
    is_usual = abs(gamma - _USUAL_GAMMA) < _NEAR and "chromaticity" not in info
    return None if is_usual else gamma


def _by_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """None for a profile that fits no picture of this mode, or makes no sense: then there might as well be none."""
    space = profile[_SPACE]
    if picture.mode == "L" and space == _SPACES["RGB"]:
        picture = picture.convert("RGB")
    is_usable = profile[_KIND] in _KINDS and space == _SPACES[picture.mode] and _ENDLESS not in profile
    if not is_usable or len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _by_gamma(picture: Image.Image, gamma: float) -> Image.Image:
    table = [_encoded((value / 255) ** (1 / gamma)) for value in range(256)]
    return picture.point(table * 3)


def _encoded(light: float) -> int:
    """Linear light from 0 to 1 as a value of sRGB from 0 to 255."""
    value = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(255 * value)
