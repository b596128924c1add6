"""Convert the colors of an image to sRGB, as browsers do: by its profile, or by the gamma of a PNG."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageCms

# Printer profiles have up to 3 MB. Nothing limits the time to read a larger one.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
# Positions of class and color space in a profile's header.
_KIND, _SPACE = slice(12, 16), slice(16, 20)
_KINDS = (b"mntr", b"scnr", b"prtr", b"spac")
_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
# Chains of any length, with 8 bytes per link: hours of work in a small file. Browsers do not support them either.
_ENDLESS = b"mpet"
# A gamma outside of these is a mistake.
_MIN_GAMMA, _MAX_GAMMA = 0.01, 10.0
# The gamma of screens: Chromium ignores it, unless the file has primary colors.
_USUAL_GAMMA, _NEAR = 1 / 2.2, 0.0005


def as_srgb(picture: Image.Image, info: Mapping[Any, Any]) -> Image.Image:
    """Return an image (L, LA, RGB, RGBA or CMYK) as RGB or RGBA in sRGB. `info` is Pillow's metadata."""
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
    """Return the gamma of a PNG, like 0.45455, or None if its colors are in sRGB."""
    gamma = float(info.get("gamma") or 0)
    if "srgb" in info or not _MIN_GAMMA < gamma < _MAX_GAMMA:
        return None
    is_usual = abs(gamma - _USUAL_GAMMA) < _NEAR and "chromaticity" not in info
    return None if is_usual else gamma


def _by_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """Return None if the profile does not fit this mode or is invalid. It is ignored then."""
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
    """Return linear light (0 to 1) as an sRGB value (0 to 255)."""
    value = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(255 * value)
