"""Draw the profile images that X's API returns: small PNGs with a head and shoulders in the user's colors."""

import struct
import zlib

SIDES = {"normal": 48, "bigger": 73, "200x200": 200, "400x400": 200}
Color = tuple[int, int, int]


def draw_profile_image(side: int, dark: Color, light: Color) -> bytes:
    """Return a square PNG of `side` pixels: light shapes on a gradient."""
    rows = b"".join(b"\0" + b"".join(_pixel(x / side, y / side, dark, light) for x in range(side)) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def parse_color(text: str) -> Color:
    """Return a color written as `#rrggbb`."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _pixel(x: float, y: float, dark: Color, light: Color) -> bytes:
    is_head = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.18**2
    is_body = ((x - 0.5) / 0.34) ** 2 + ((y - 1.02) / 0.38) ** 2 < 1
    if is_head or is_body:
        return bytes(255 - (255 - part) // 3 for part in light)
    share = (x + y) / 2
    return bytes(round(one + (other - one) * share) for one, other in zip(light, dark, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
