"""Normalize disguised text: look-alike letters, accents, digits, gaps. Pure functions.

The result is only for comparison with word lists. A text has several variants: "h3llo" is "h3llo" and "hello".
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
_MIN_SPACED_LETTERS = 3


def normalized_variants(text: str) -> set[str]:
    """Return all variants of a text: lowercase Latin words with single spaces between and around them."""
    plain = _latin(text)
    variants = {" ".join(_WORD.findall(plain)), " ".join(filter(None, map(_undisguised, _DISGUISED.findall(plain))))}
    variants |= {_joined(reading) for reading in variants}
    variants |= {_LONG_RUN.sub(times, reading) for reading in variants for times in (r"\1", r"\1\1")}
    return {f" {reading} " for reading in variants}


def _latin(text: str) -> str:
    """Return lowercase text without accents and invisible signs, with look-alikes replaced by Latin letters."""
    folded = unicodedata.normalize("NFKC", "".join(map(_unframed, text))).casefold()
    bare = (c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) not in ("Mn", "Cf", "Me"))
    return "".join(bare).translate(_LATIN)


@cache
def _framed() -> dict[str, str]:
    return {chr(first + n): chr(ord("a") + n) for first, count in _FRAMED for n in range(count)}


def _unframed(character: str) -> str:
    return _framed().get(character, character)


def _undisguised(word: str) -> str:
    """Replace digits and signs in a word by the letters they stand for. Keep numbers; drop signs alone."""
    if not any(c.isalpha() for c in word):
        return word.strip("@$!|+")
    # An exclamation mark at the end is punctuation.
    return word.rstrip("!|+").translate(_DIGITS)


def _joined(reading: str) -> str:
    """Join single letters that are separated by spaces: "h e l l o"."""
    words: list[str] = []
    alone: list[str] = []
    for word in [*reading.split(" "), ""]:
        if len(word) == 1:
            alone.append(word)
            continue
        words += ["".join(alone)] if len(alone) >= _MIN_SPACED_LETTERS else alone
        alone = []
        words.append(word)
    return " ".join(filter(None, words))
