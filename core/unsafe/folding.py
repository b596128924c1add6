"""Folds a text to what it is read as, whatever it is written with: look-alike letters, accents, numbers, gaps. Pure.

Not for showing, only for comparing with lists of words. One text has several readings: "h3llo" is "h3llo" and "hello".
"""

import re
import unicodedata
from functools import cache

# Letters that look like Latin ones and that NFKC leaves alone: Cyrillic, Greek, Armenian, small capitals, turned ones.
_ALIKE = {
    "a": "аαɑᴀⱥ∀ɐ", "b": "вьʙвßƀ", "c": "сϲᴄƈ¢", "d": "ԁᴅɗđ", "e": "еєεëᴇɛǝ€", "f": "ғꜰƒ", "g": "ɡɢցǥ",
    "h": "һнʜհħ", "i": "іιıɪɩ¡", "j": "јʝᴊ", "k": "кκᴋƙ", "l": "ӏʟⅼłƖ", "m": "мᴍɱ", "n": "пηɴնŋɲ",
    "o": "оοσօᴏøө", "p": "рρᴘþ", "q": "ԛգ", "r": "гʀɾя", "s": "ѕꜱʂ", "t": "тτᴛŧ", "u": "υцᴜսµʉ", "v": "ѵνᴠ",
    "w": "ԝωᴡшɯ", "x": "хχ×", "y": "уүγʏу", "z": "ᴢʐƶ",
}  # fmt: skip
_LATIN = str.maketrans({sign: letter for letter, signs in _ALIKE.items() for sign in signs})
_DIGITS = str.maketrans("0134578@$!|+", "oieastbasiit")
# Letters in circles and boxes.
_FRAMED = ((0x1F110, 26), (0x1F130, 26), (0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))
_WORD = re.compile(r"[^\W_]+")
_DISGUISED = re.compile(r"(?:[^\W_]|[@$!|+])+")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_FEWEST_SPACED = 3


def readings(text: str) -> set[str]:
    """All readings of a text: words in small Latin letters as far as they look so, with single spaces between and
    around them."""
    plain = _latin(text)
    told = {" ".join(_WORD.findall(plain)), " ".join(filter(None, map(_undisguised, _DISGUISED.findall(plain))))}
    told |= {_joined(reading) for reading in told}
    told |= {_LONG_RUN.sub(times, reading) for reading in told for times in (r"\1", r"\1\1")}
    return {f" {reading} " for reading in told}


def _latin(text: str) -> str:
    """Small letters without accents and invisible signs; look-alikes as the Latin letters they look like."""
    folded = unicodedata.normalize("NFKC", "".join(map(_unframed, text))).casefold()
    bare = (c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) not in ("Mn", "Cf", "Me"))
    return "".join(bare).translate(_LATIN)


@cache
def _framed() -> dict[str, str]:
    return {chr(first + n): chr(ord("a") + n) for first, count in _FRAMED for n in range(count)}


def _unframed(character: str) -> str:
    return _framed().get(character, character)


def _undisguised(word: str) -> str:
    """A number stays a number; digits and signs among letters stand for letters; signs alone are no word."""
    if not any(c.isalpha() for c in word):
        return word.strip("@$!|+")
    # A sign of exclamation at the end ends a sentence.
    return word.rstrip("!|+").translate(_DIGITS)


def _joined(reading: str) -> str:
    """Letters that stand alone, side by side, are one word: "h e l l o"."""
    words: list[str] = []
    alone: list[str] = []
    for word in [*reading.split(" "), ""]:
        if len(word) == 1:
            alone.append(word)
            continue
        words += ["".join(alone)] if len(alone) >= _FEWEST_SPACED else alone
        alone = []
        words.append(word)
    return " ".join(filter(None, words))
