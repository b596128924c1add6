"""Parse a prompt: find the nouns, colors, moods and details of the vocabulary."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from gpu.sketch.color import Color
from gpu.sketch.vocabulary import COLORS, DETAILS, GROUPS, MOODS, NOUNS, NUMBERS

_SPLIT = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
# A color belongs to a noun at most this many words later: "a red and very old house".
MAX_DISTANCE = 3
_ENDINGS = (("", ""), ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("y", ""))
_KNOWN = NOUNS.keys() | MOODS.keys()


@dataclass(frozen=True)
class ParsedPrompt:
    """The known words of a prompt.

    nouns: known nouns and how many of each.
    tints: colors that belong to a noun.
    colors, moods: all colors and moods, in order.
    key: a hash of the whole text.
    details: words that change how a noun looks.
    """

    nouns: Mapping[str, int]
    tints: Mapping[str, Color]
    colors: tuple[Color, ...]
    moods: tuple[str, ...]
    key: int
    details: frozenset[str] = frozenset()

    def has(self, *nouns: str) -> bool:
        return any(noun in self.nouns for noun in nouns)


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Parse any text. It never fails."""
    words = [_Word(token, _singular(token)) for token in _SPLIT.findall(_plain(prompt))]
    nouns: dict[str, int] = {}
    tints: dict[str, Color] = {}
    for place, word in enumerate(words):
        if noun := NOUNS.get(word.base):
            before = words[max(0, place - MAX_DISTANCE) : place]
            nouns[noun] = max(nouns.get(noun, 0), _count(before, word))
            if colors_before := [COLORS[w.text] for w in before if w.text in COLORS]:
                tints.setdefault(noun, colors_before[-1])
    colors = tuple(dict.fromkeys(COLORS[word.text] for word in words if word.text in COLORS))
    moods = tuple(dict.fromkeys(MOODS[word.base] for word in words if word.base in MOODS))
    details = frozenset(DETAILS[word.text] for word in words if word.text in DETAILS)
    return ParsedPrompt(nouns, tints, colors, moods, prompt_hash(prompt), details)


def prompt_hash(text: str) -> int:
    """Return a 64-bit hash that is the same on every machine and in every run."""
    digest = hashlib.blake2b(" ".join(_plain(text).split()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True)
class _Word:
    text: str
    base: str

    @property
    def is_plural(self) -> bool:
        return self.text != self.base


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode()).casefold()


def _singular(word: str) -> str:
    """Return the form in the vocabulary, if the word or its singular is known."""
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and (base := word[: len(word) - len(ending)] + replacement) in _KNOWN:
            return base
    return word


def _count(before: list[_Word], word: _Word) -> int:
    """Return the number before the word, else 3 for a plural, else 1."""
    numbers = [NUMBERS[w.text] for w in before if w.text in NUMBERS]
    number = numbers[-1] if numbers else 1
    several = word.is_plural or word.base in GROUPS
    # In "a flock of birds" the article belongs to the flock.
    return 3 if several and number == 1 else number
