"""Prepare the bytes of a file for Pillow: remove what follows a JPEG, and complete truncated files.

Pillow's own option (`LOAD_TRUNCATED_IMAGES`) applies to all threads at once.
"""

import re
from typing import NamedTuple

from .errors import Unreadable

JPEG = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
# The next marker in a scan, except stuffed FF, restart and fill bytes.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END = 0xDA, 0xD9
# Markers from here on are followed by a length. Lower ones are reserved, and may be a flipped bit in a scan.
_FIRST_WITH_LENGTH = 0xC0
# Encoders write a dozen scans. Each decodes the whole image, and takes only 15 bytes of a file.
MAX_SCANS = 64
# Metadata has segments of 64 kB: 10 MB are 160 of them.
MAX_SEGMENTS = 2_000
# A WebP with a larger missing share is broken.
MAX_MISSING_SHARE = 0.05


class Prepared(NamedTuple):
    """Bytes to decode. is_cut: the end is missing, and perhaps the lower part of the image."""

    data: bytes
    is_jpeg: bool = False
    is_cut: bool = False


def prepared(data: bytes) -> Prepared:
    """Return the file as Pillow can read it. Raises Unreadable for a JPEG with too many scans or segments."""
    if data.startswith(JPEG):
        end = _end_of_jpeg(data)
        return Prepared(data[:end], True) if end else Prepared(data + JPEG_END, True, True)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Prepared(_filled_up(data))
    return Prepared(data)


def _end_of_jpeg(data: bytes) -> int:
    """Return the end of the image, 0 if it is missing. Phones append videos and further images."""
    at, scans, segments = 2, 0, 0
    while match := _MARKER.search(data, at):
        marker, at = data[match.end() - 1], match.end()
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
    """Return a WebP with zeros in place of its missing last bytes."""
    missing = int.from_bytes(data[4:8], "little") + 8 - len(data)
    return data + bytes(missing) if 0 < missing <= len(data) * MAX_MISSING_SHARE else data
