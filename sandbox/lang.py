"""Guess the language of a post from its script and a few frequent words."""

import re
import unicodedata
from collections import Counter

from sandbox.text_parser import Piece

_SCRIPTS = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CJK": "zh", "CYRILLIC": "ru", "ARABIC": "ar", "HEBREW": "iw",
    "GREEK": "el", "THAI": "th", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
_FREQUENT_WORDS = {
    "en": "the a an of in on and with over under at is by for to from",
    "de": "der die das ein eine einer einem und mit im über unter bei ist auf am",
    "fr": "le la les un une des et avec dans sur sous au aux est du",
    "es": "el los las una unos y con en bajo sobre del al es por",
    "pt": "o os as um uma e com em sob sobre do da no na",
    "it": "il lo gli uno e con nel nella sul sulla di del è",
}
_WORDS_BY_LANG = {lang: frozenset(words.split()) for lang, words in _FREQUENT_WORDS.items()}


def guess(pieces: list[Piece]) -> str:
    """Return X's code: en, ja, ...; und without letters, qam for mentions only, qht for hashtags only."""
    words = " ".join(piece.raw for piece in pieces if piece.kind == "text").strip()
    if not any(c.isalpha() for c in words):
        return _code_without_letters({piece.kind for piece in pieces})
    return _by_script(words) or _by_frequent_words(words)


def _code_without_letters(kinds: set[str]) -> str:
    kinds = kinds - {"text"}
    return {"mention": "qam", "hashtag": "qht", "cashtag": "qct", "link": "zxx"}.get("".join(kinds), "und")


def _by_script(words: str) -> str | None:
    names = Counter(unicodedata.name(c, "?").split()[0] for c in words[:400] if c.isalpha())
    if names["HIRAGANA"] + names["KATAKANA"]:
        return "ja"
    return _SCRIPTS.get(names.most_common(1)[0][0])


def _by_frequent_words(words: str) -> str:
    counts = Counter(re.findall(r"\w+", words[:400].lower()))
    best = max(_WORDS_BY_LANG, key=lambda lang: sum(counts[word] for word in _WORDS_BY_LANG[lang]))
    return best if any(counts[word] for word in _WORDS_BY_LANG[best]) else "en"
