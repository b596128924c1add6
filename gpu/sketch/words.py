"""Reads a prompt: which nouns, colours and moods of our small vocabulary it names. Draws nothing.

Words of other languages are simply not known; then the picture is abstract, chosen by the prompt's hash.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from gpu.sketch.colour import Colour
from gpu.sketch.vocabulary import COLOURS, GROUPS, MOODS, NOUNS, NUMBERS

_SPLIT = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
# A colour belongs to a noun this few words behind it: "a red and very old house".
_REACH = 3
_ENDINGS = (("", ""), ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("y", ""))
_KNOWN = NOUNS.keys() | MOODS.keys()


@dataclass(frozen=True)
class Reading:
    """What we understood of a prompt.

    `nouns` maps each known noun to how many of it; `tints` gives a noun the colour named for it; `colours`
    are all colours named, in order; `moods` likewise; `key` is a number that stands for the whole text.
    """

    nouns: Mapping[str, int]
    tints: Mapping[str, Colour]
    colours: tuple[Colour, ...]
    moods: tuple[str, ...]
    key: int

    def has(self, *nouns: str) -> bool:
        return any(noun in self.nouns for noun in nouns)


def read(prompt: str) -> Reading:
    """Understand what we can; never fails, whatever the text."""
    words = [_Word(token, _singular(token)) for token in _SPLIT.findall(_plain(prompt))]
    nouns: dict[str, int] = {}
    tints: dict[str, Colour] = {}
    for place, word in enumerate(words):
        if noun := NOUNS.get(word.base):
            before = words[max(0, place - _REACH) : place]
            nouns[noun] = max(nouns.get(noun, 0), _count(before, word))
            named = [COLOURS[w.text] for w in before if w.text in COLOURS]
            if named:
                tints.setdefault(noun, named[-1])
    colours = tuple(dict.fromkeys(COLOURS[word.text] for word in words if word.text in COLOURS))
    moods = tuple(dict.fromkeys(MOODS[word.base] for word in words if word.base in MOODS))
    return Reading(nouns, tints, colours, moods, number_of(prompt))


def number_of(text: str) -> int:
    """A number that is the same for the same text, on every machine and in every run."""
    digest = hashlib.blake2b(" ".join(_plain(text).split()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True)
class _Word:
    text: str
    base: str

    @property
    def plural(self) -> bool:
        return self.text != self.base


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode()).casefold()


def _singular(word: str) -> str:
    """The form in the vocabulary, if the word or its singular is there."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and (base := word[: len(word) - len(ending)] + instead) in _KNOWN:
            return base
    return word


def _count(before: list[_Word], word: _Word) -> int:
    """How many: the number named before the word, else three for a plural, else one."""
    named = [NUMBERS[w.text] for w in before if w.text in NUMBERS]
    number = named[-1] if named else 1
    several = word.plural or word.base in GROUPS
    # "a flock of birds": the article is the flock's.
    return 3 if several and number == 1 else number
