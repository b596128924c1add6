"""Draw users' texts into pictures, with a font that has all their letters, or not at all.

The bundled font has Latin, Greek, Cyrillic, Hebrew and Arabic; other scripts need an installed font.
"""

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

OWN_FONT = str(Path(__file__).parent / "fonts" / "DejaVuSansCondensed.ttf")
# Found by name in the font folders of Linux, macOS and Windows.
FONTS = (
    OWN_FONT,
    "NotoSansCJK-Regular.ttc",
    "DroidSansFallbackFull.ttf",
    "wqy-zenhei.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "malgun.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "unifont.ttf",
)
# Size at which a font is checked for letters.
TRIED_AT = 20
# No font has this letter, so it draws the font's box for missing letters.
NO_LETTER = "\U0010ffff"
LINE_HEIGHT = 1.3
ELLIPSIS = "…"


class Lettering:
    """A text that can be drawn, in a font that has all of it.

    Attributes:
        text: without the signs that are no letters and that the font lacks, like most emoji. Empty if letters are
            missing, too: half a sentence would say something else.
    """

    def __init__(self, text: str) -> None:
        whole = " ".join(text.split())
        self._font, self.text = _chosen(whole)

    def fit(self, width: int, height: int, sizes: tuple[int, ...]) -> tuple[int, list[str]]:
        """Return the largest of the sizes that fits into a box, and the lines. At the smallest size the text is cut."""
        for size in sizes:
            lines = self._lines(width, size)
            if len(lines) * _line(size) <= height:
                return size, lines
        most = max(1, height // _line(sizes[-1]))
        fitting = self._lines(width, sizes[-1])[:most]
        return sizes[-1], [*fitting[:-1], self._cut(fitting[-1], width, sizes[-1])]

    def draw(self, canvas: Image.Image, place: tuple[int, int], lines: list[str], size: int, color: str) -> int:
        """Draw lines downward from a position. Return their height."""
        pen, font = ImageDraw.Draw(canvas), _font(self._font, size)
        for number, line in enumerate(lines):
            pen.text((place[0], place[1] + number * _line(size)), line, fill=color, font=font)
        return len(lines) * _line(size)

    def _lines(self, width: int, size: int) -> list[str]:
        font, lines = _font(self._font, size), [""]
        for word in self.text.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if font.getlength(longer) <= width:
                lines[-1] = longer
                continue
            lines += [""] if lines[-1] else []
            for letter in word:  # one word alone may be too long; and some scripts have no spaces
                if font.getlength(lines[-1] + letter) > width and lines[-1]:
                    lines.append("")
                lines[-1] += letter
        return lines

    def _cut(self, line: str, width: int, size: int) -> str:
        font = _font(self._font, size)
        while line and font.getlength(line + ELLIPSIS) > width:
            line = line[:-1]
        return line.rstrip() + ELLIPSIS


def _line(size: int) -> int:
    return round(size * LINE_HEIGHT)


def _chosen(text: str) -> tuple[str, str]:
    """Return a font for the text, and the part of the text that it can draw."""
    if _needs_shaping(text) and not features.check("raqm"):
        return OWN_FONT, ""
    letters = {sign for sign in text if unicodedata.category(sign)[0] in "LMN"}
    for name in FONTS:
        if _is_there(name) and all(_has(name, letter) for letter in letters):
            drawn = "".join(sign if sign == " " or _has(name, sign) else "" for sign in text)
            return name, " ".join(drawn.split())
    return OWN_FONT, ""


def _needs_shaping(text: str) -> bool:
    """Return whether it runs from right to left or has combining marks."""
    return any(unicodedata.bidirectional(sign) in ("R", "AL") or unicodedata.category(sign) == "Mc" for sign in text)


@lru_cache(maxsize=20_000)
def _has(name: str, sign: str) -> bool:
    """Return whether a font has a letter. Pillow draws the same box for all missing letters, so compare with that."""
    if unicodedata.category(sign)[0] == "C":
        return False
    font = _font(name, TRIED_AT)
    one, none = font.getmask(sign), font.getmask(NO_LETTER)
    return one.size != none.size or bytes(one) != bytes(none)


@cache
def _is_there(name: str) -> bool:
    try:
        return _font(name, TRIED_AT).getlength("a") > 0
    except OSError:
        return False


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Raises OSError for a font that this machine does not have."""
    return ImageFont.truetype(name, size)
