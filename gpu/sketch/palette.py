"""Choose the colors of a picture by its prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gpu.sketch.color import Color, from_lch, mix, rgb, to_lch, turned
from gpu.sketch.prompt_parser import ParsedPrompt


@dataclass(frozen=True)
class Palette:
    """Colors by their use in a landscape: sky from top to horizon, land from far to near, and so on."""

    sky: tuple[Color, Color, Color]
    far: Color
    near: Color
    ink: Color
    water: tuple[Color, Color]
    light: Color
    accents: tuple[Color, Color, Color]
    dark: bool = False

    def land(self, nearness: float) -> Color:
        return mix(self.far, self.near, nearness)

    @property
    def paper(self) -> Color:
        return mix(self.sky[2], (250, 246, 236), 0.6)


def _palette(codes: str, dark: bool = False) -> Palette:
    c = [rgb(code) for code in codes.split()]
    return Palette((c[0], c[1], c[2]), c[3], c[4], c[5], (c[6], c[7]), c[8], (c[9], c[10], c[11]), dark)


# Sky top, middle, horizon | far land, near land, ink | water far, near | light | three accents.
_MOODS = {
    "clear": _palette("7DB9CE B9DAD6 F6EAD0 A8C5BA 2F6157 1C3B3A 6FB0B8 2C6C80 FFD98A E4572E F3A712 FFF4E0"),
    "golden": _palette("E9A45F F5CE93 FCEBC8 DDA873 7A4630 3F2420 E6B27A 96603F FFF4CF C8553D 4F8080 F8E0B0"),
    "sunset": _palette("3A2A60 C4506E FBAE62 9A5072 2C1C42 1A1029 E07A66 4C2D63 FFE9AE FF7B54 FFB26B FFD56F"),
    "dawn": _palette("7FA6C9 F0B9B3 FCE5C4 BE9FB6 4C4C70 2C2F4C D3B8C6 6D7FA5 FFF5DC E88D97 F7C59F F4EFD2"),
    "night": _palette("0A1530 1A2E5A 47669A 2F4879 0C1730 060C1C 31528A 0D1C3B FDF3C8 F4D35E EE964B 8AB6F9", True),
    "storm": _palette("2A3541 566672 A7B0AC 77858A 222E35 141B21 5A6E78 22323B EDE6C8 E3C45C 8FB3BF D6DEDA"),
    "winter": _palette("8FAFC9 C6D8E4 F5F1EA BFD0DE F3F6F8 33495E A9C3D4 5F86A3 FFF3DA C8443C 3F6B63 FFFFFF"),
    "autumn": _palette("E3BE92 F0D8B2 FBEFDA D9995A 8A4421 3B1F14 B9B79C 5F7570 FFF3D2 C8401F E58A1F F2C14E"),
    "spring": _palette("9FD0E2 D5ECE3 FEF3E6 B9D9A8 559463 2A5A47 93CCD4 4B97AE FFEFB5 F28DB2 FFC8DD FFE066"),
    "summer": _palette("2F9FD4 86CEE6 FFF0C6 9CCB86 2C8757 17513F 45B7C6 0C6E8C FFE778 FF6B5E FFD23F FFFFFF"),
    "neon": _palette("10052B 560F73 F5378E 7A18B8 1A0736 0B0219 6A1FB0 150735 FDE74C F72585 4CC9F0 FEE440", True),
    "pastel": _palette("BFC8EA E0D2F0 FFE6EA C3D6E2 95A3CC 666C9C BFE6DC 92C6C4 FFF6D6 FFB0AC FFD3B5 A8DFC9"),
    "fog": _palette("BFC8C8 D9DDD9 EFECE4 C6CDCB 5C7074 324347 BAC5C5 7C9194 FCF8EA A9583F C9A05A 8AA29E"),
    "space": _palette("06040F 170B38 42237A 4A2E86 140A30 07040F 3B2A7A 0E0824 FFF0C9 FF7E6B 6BD6E8 FFD166", True),
    "desert": _palette("3F9AAE F4D09C FBE6C4 E9B079 A9512F 4F2418 79B8B0 2F7F86 FFF0C4 D9482B F0A23B 2F7F86"),
    "riso": _palette("F6C9B3 F9DEC5 FBF0DF 8BA9D0 28457F 172649 7C9CCB 2B4B8B FF5C4D FF5C4D FFC145 3D6FB6"),
    "mauve": _palette("6C6A9E C79BB4 F6D6C2 A284A8 3D3560 241F40 B79ABB 55507F FFE8C2 F2A65A E06C75 F5E6CC"),
    "teal": _palette("1F6F78 6FB3A8 F2E3BC 6FA79B 174E4F 0C2C30 57A0A0 124F5B FFDF9E EF6F4A F6BD60 F7EDE2"),
    "rosy": _palette("E8857E F6B8A0 FDE6CB D78A83 6B3550 3A1C35 EBA597 86506B FFF6DA 2F6C77 F9C74F FFF1E0"),
}
_UNNAMED = ("clear", "golden", "dawn", "spring", "summer", "riso", "mauve", "teal", "rosy", "sunset")
# The time of day decides before the season.
_PRECEDENCE = ("neon", "space", "night", "sunset", "dawn")
# These fill their picture, so their color is the whole picture's ("purple rain").
_AMBIENT = ("rain", "snow", "galaxy", "aurora", "river", "road", "desert", "fire", "star", "rainbow")
# The mood of a noun, if the prompt names none.
_SUGGESTED = (
    ("galaxy", "space"), ("aurora", "night"), ("star", "night"),
    ("moon", "night"), ("fire", "night"), ("desert", "desert"), ("snow", "winter"), ("rain", "storm"),
)  # fmt: skip


def palette_for(prompt: ParsedPrompt, rng: np.random.Generator) -> Palette:
    """Return the mood's palette, shifted towards the named colors. Each seed turns the hues a little."""
    palette = _MOODS[_mood(prompt, int(rng.integers(0, 3)))]
    # A color that belongs to a noun does not change the rest of the picture.
    bound = {color for noun, color in prompt.tints.items() if noun not in _AMBIENT}
    free = [color for color in prompt.colors if color not in bound]
    if free:
        palette = _bent(palette, free, 0.85)
    return _varied(palette, float(rng.uniform(-9, 9)))


def _mood(prompt: ParsedPrompt, variation: int) -> str:
    if prompt.has("moon") and not prompt.has("sun") and not set(prompt.moods) & {"sunset", "golden", "dawn", "neon"}:
        return "night"
    if prompt.moods:
        return next((mood for mood in _PRECEDENCE if mood in prompt.moods), prompt.moods[0])
    for noun, mood in _SUGGESTED:
        if prompt.has(noun):
            return mood
    return _UNNAMED[(prompt.key + variation * 3) % len(_UNNAMED)]


def _bent(palette: Palette, colors: list[Color], share: float) -> Palette:
    """Shift sky and water to the first color and land to the last. Lightness stays, hue and chroma follow."""
    first, last = colors[0], colors[-1] if len(colors) > 1 else turned(colors[0], 25)
    above, below = _Bend(first, share), _Bend(last, share)
    sky = palette.sky
    return replace(
        palette,
        sky=(above(sky[0]), above(sky[1]), mix(sky[2], above(sky[2]), 0.7)),
        far=below(palette.far),
        near=below(palette.near),
        ink=below(palette.ink),
        water=(above(palette.water[0]), above(palette.water[1])),
        accents=(first, last, turned(first, 150)),
    )


class _Bend:
    """Shifts colors towards a named one. Black and white shift the lightness too, otherwise they would not show."""

    def __init__(self, towards: Color, share: float) -> None:
        self._light, self._chroma, self._hue = to_lch(towards)
        self._share = share

    def __call__(self, color: Color) -> Color:
        light, chroma, _hue = to_lch(color)
        pull = 0.55 if self._chroma < 0.03 else 0.22
        light += (self._light - light) * pull * self._share
        chroma += (self._chroma * min(1.0, 0.35 + 1.3 * min(light, 1.1 - light)) - chroma) * self._share
        return mix(color, from_lch(light, chroma, self._hue), self._share)


def _varied(palette: Palette, degrees: float) -> Palette:
    sky = palette.sky
    return replace(
        palette,
        sky=(turned(sky[0], degrees), turned(sky[1], degrees), turned(sky[2], degrees * 0.5)),
        far=turned(palette.far, degrees),
        near=turned(palette.near, degrees),
    )
