"""Read type and size of an image from its header, without decoding it."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageInfo:
    mime: str
    ext: str
    width: int
    height: int


def sniff(data: bytes) -> ImageInfo | None:
    """Return the type and size of a PNG, JPEG, GIF or WebP, else None."""
    for parse in (_png, _gif, _webp, _jpeg):
        try:
            info = parse(data)
        except (struct.error, IndexError):
            continue
        if info is not None and info.width > 0 and info.height > 0:
            return info
    return None


def _png(data: bytes) -> ImageInfo | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return ImageInfo("image/png", "png", width, height)


def _gif(data: bytes) -> ImageInfo | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack("<HH", data[6:10])
    return ImageInfo("image/gif", "gif", width, height)


def _webp(data: bytes) -> ImageInfo | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    width, height = _webp_size(data)
    return ImageInfo("image/webp", "webp", width, height)


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":
        width_bytes, height_bytes = data[24:27], data[27:30]
        return int.from_bytes(width_bytes, "little") + 1, int.from_bytes(height_bytes, "little") + 1
    if chunk == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _jpeg(data: bytes) -> ImageInfo | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif _is_frame(marker):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return ImageInfo("image/jpeg", "jpg", width, height)
        else:
            position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return None


def _is_frame(marker: int) -> bool:
    """Return whether it is SOF0 to SOF15; the three markers left out define tables."""
    return 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
