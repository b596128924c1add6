"""Reads kind and size of a picture from its first bytes. Decodes nothing and knows no file and no network."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    mime: str
    ext: str
    width: int
    height: int


def sniff(data: bytes) -> Kind | None:
    """PNG, JPEG, GIF or WebP, or None. The sender's own word about the type is never asked."""
    for look in (_png, _gif, _webp, _jpeg):
        try:
            kind = look(data)
        except (struct.error, IndexError):
            continue
        if kind is not None and kind.width > 0 and kind.height > 0:
            return kind
    return None


def _png(data: bytes) -> Kind | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return Kind("image/png", "png", width, height)


def _gif(data: bytes) -> Kind | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack("<HH", data[6:10])
    return Kind("image/gif", "gif", width, height)


def _webp(data: bytes) -> Kind | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    width, height = _webp_size(data)
    return Kind("image/webp", "webp", width, height)


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":
        wide, high = data[24:27], data[27:30]
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    if chunk == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _jpeg(data: bytes) -> Kind | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif _is_frame(marker):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Kind("image/jpeg", "jpg", width, height)
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _is_frame(marker: int) -> bool:
    """SOF0 to SOF15, without the three numbers in between that mean tables."""
    return 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
