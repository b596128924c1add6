"""Pictures of no known thing: compositions of flat forms, in a style chosen by the prompt's number.

Knows no words: it is given a number, and colours from a palette of its own or from the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpu.sketch.canvas import Canvas
from gpu.sketch.colour import Colour, lighter, mix, rgb, turned
from gpu.sketch.freehand import bands, contours, cutouts, strokes
from gpu.sketch.geometry import free, glass, rays, rings, tiles

# Paper first, ink last. Five or six colours that a risograph or a lithographer could have chosen.
_INKS = tuple(
    tuple(rgb(code) for code in line.split())
    for line in (
        "F4EBDC E4572E F2A541 2E86AB 8CC0B8 1B2A41", "F6EFE2 D1495B EDAE49 00798C 8FB9AA 2A2D43",
        "EFE6D5 264653 2A9D8F E9C46A E76F51 1A2E35", "F7F0E6 6D597A B56576 E88C7D EAC391 355070",
        "FBF3E4 F25F5C FFE066 247BA0 70C1B3 32313B", "F1E9DA 2F4858 33658A F6AE2D F26419 16222C",
        "F5E9E2 773344 E3B5A4 D44D5C 5B8E7D 0B0014", "EDE7DC 386641 6A994E F2C14E BC4749 1E2D24",
        "F8F1E7 3D348B 7678ED F7B801 F35B04 1D1A3A", "F3EADF 9C6644 DDB892 7F5539 588157 3A2618",
        "EAF0EC 05668D 02A9A0 F0C987 F26157 0B2F3F", "F9EDEA C9184A FF758F FFC2B4 8F2D56 35182B",
        "17203A F4D35E EE964B F95738 4C86A8 F7F0E3", "201A2B FF6F59 43AA8B F0C808 7B6BC9 FAF3E3",
        "0F2B33 F2E8CF 5FB49C F08A4B DE3C4B FBF6E8", "F2EFE6 111D4A 3F88C5 FFBA08 D00000 1C1C28",
    )
)  # fmt: skip


_STYLES = (bands, rings, glass, strokes, tiles, contours, rays, cutouts, free)


def abstract(canvas: Canvas, number: int, named: Sequence[Colour]) -> None:
    """A composition for `number`: its digits choose the style and the inks; named colours replace the inks."""
    inks = list(_INKS[(number // len(_STYLES)) % len(_INKS)])
    if named:
        inks = _named_inks(inks, named)
    shade = list(inks[1:-1])
    turn = canvas.pick(0, len(shade) - 1)
    _STYLES[number % len(_STYLES)](canvas, inks[0], [*shade[turn:], *shade[:turn]], inks[-1])


def _named_inks(inks: list[Colour], named: Sequence[Colour]) -> list[Colour]:
    """Paper and ink take a breath of the first colour; the four between are the named ones and relatives."""
    family = [colour for name in named for colour in (name, lighter(name, 0.14), lighter(name, -0.13))]
    shades = list(named[:4]) + [colour for colour in family if colour not in named]
    return [mix(inks[0], named[0], 0.12), *shades[:3], turned(named[0], 40), mix(inks[-1], named[0], 0.15)]
