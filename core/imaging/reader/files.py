"""Prepares the bytes of a file for Pillow: cuts off what follows a JPEG, and mends files that lack their end.

Pillow can be told to read broken files, but only all threads at once (`LOAD_TRUNCATED_IMAGES`).
"""

import re
from typing import NamedTuple

from .errors import Unreadable

JPEG = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
# The next marker in a scan: no stuffed FF, no restart, no fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END = 0xDA, 0xD9
# From here on markers have a length behind them; the rest below is reserved, and may be a flipped bit in a scan.
_FIRST_WITH_LENGTH = 0xC0
# Encoders write a dozen scans. Each goes over the whole picture, and takes 15 bytes of a file.
MAX_SCANS = 64
# Metadata comes in pieces of 64 kB: 10 MB are 160 of them.
MAX_SEGMENTS = 2_000
# A WebP that lacks more of its bytes is broken.
MAX_MISSING_SHARE = 0.05


class Prepared(NamedTuple):
    """Bytes to decode. is_cut: the end is missing, so the lower part of the picture may be missing, too."""

    data: bytes
    is_jpeg: bool = False
    is_cut: bool = False


def prepared(data: bytes) -> Prepared:
    """The file as Pillow can read it. Raises Unreadable for a JPEG with too many scans or segments."""
    if data.startswith(JPEG):
        end = _end_of_jpeg(data)
        return Prepared(data[:end], True) if end else Prepared(data + JPEG_END, True, True)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Prepared(_filled_up(data))
    return Prepared(data)


def _end_of_jpeg(data: bytes) -> int:
    """Where the picture ends: telephones append films, and further pictures. 0 if its end is missing."""
    at, scans, segments = 2, 0, 0
    while found := _MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == _END:
            return at
        if marker < _FIRST_WITH_LENGTH:
            continue
        scans += marker == _SCAN
        segments += 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise Unreadable("too many scans or segments")
        at += int.from_bytes(data[at : at + 2], "big")
    return 0


def _filled_up(data: bytes) -> bytes:
    """A WebP that lacks its last bytes, with zeros in their place."""
    missing = int.from_bytes(data[4:8], "little") + 8 - len(data)
    return data + bytes(missing) if 0 < missing <= len(data) * MAX_MISSING_SHARE else data
