"""Splits what somebody says into words, and finds phrases among them. Pure; knows no phrase of any language.

Words are compared without case, accents, apostrophes and hyphens, and a letter held down counts once: "STOPPP!!!" is
`stop`, "s'il te plaît" is `sil te plait`. Emoji and punctuation are no words. Chinese and Japanese have no spaces:
there each character counts as a word, so that phrases are found in the same way.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

CJK = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f"
# Two words that only an accent keeps apart: Spanish for "more", Portuguese for "but".
ACCENT_COUNTS = frozenset({"m\u00e1s"})
APOSTROPHES = "'\u2019\u02bc\u00b4`"
ACCENTS = re.compile("[\u0300-\u036f]")
WORD = re.compile(rf"[{CJK}]|(?:(?![{CJK}])[^\W_]|[\u0300-\u036f]|[{APOSTROPHES}](?=[^\W_]))+")
HELD_DOWN = re.compile(r"([^\W\d_])\1{2,}")
# What ends a clause. A hyphen or a dash inside a word does not.
STOPS = re.compile("[,.;:!?\u2026\u3001\u3002\uff01\uff1f\uff0c]|\\s[-\u2013\u2014]+\\s")
# What is left over of words that are cut off.
AT_START = " ,.;:!?\u2026\u3001\u3002\uff01\uff1f\uff0c\u2013\u2014-)]\u201d\u00bb"
AT_END = " ,;:\u3001\uff0c\u2013\u2014-([\u201c\u00ab\u00a1\u00bf"
# Nobody gives a command in more words; the time to compare words of a long post is not theirs to take.
MAX_COMMAND_WORDS = 40


def fold(word: str) -> str:
    """A word as it is compared."""
    small = unicodedata.normalize("NFKC", word).casefold()
    if small in ACCENT_COUNTS:
        return small
    plain = unicodedata.normalize("NFD", small)
    bare = unicodedata.normalize("NFC", ACCENTS.sub("", plain))
    return HELD_DOWN.sub(r"\1", "".join(c for c in bare if c not in APOSTROPHES))


@dataclass(frozen=True)
class Utterance:
    """A line of words. `spans` are the places of the words in `text`, end exclusive."""

    text: str

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(found.span() for found in WORD.finditer(self.text))

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(fold(self.text[start:end]) for start, end in self.spans)

    def ends_clause(self, at: int) -> bool:
        """Whether a clause ends before word `at`; true at both ends."""
        if at <= 0 or at >= len(self.spans):
            return True
        return bool(STOPS.search(self.text, self.spans[at - 1][1], self.spans[at][0]))

    def after(self, at: int) -> "Utterance":
        """What follows the first `at` words."""
        return self if at == 0 else Utterance(self.text[self.spans[at - 1][1] :].lstrip(AT_START))

    def before(self, at: int) -> "Utterance":
        """What stands before word `at`."""
        return self if at >= len(self.spans) else Utterance(self.text[: self.spans[at][0]].rstrip(AT_END))

    def without(self, start: int, end: int) -> "Utterance":
        """The same without the words from `start` to `end`."""
        return Utterance(f"{self.before(start).text} {self.after(end).text}".strip())


class Phrases:
    """A set of phrases, to be found at a place among words."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.phrases = frozenset(words for text in texts if (words := Utterance(text).words))
        self.lengths = tuple(sorted({len(words) for words in self.phrases}, reverse=True))

    @classmethod
    def union(cls, lists: "Iterable[Phrases]") -> "Phrases":
        """Several sets as one."""
        together = cls()
        together.phrases = frozenset().union(*(one.phrases for one in lists))
        together.lengths = tuple(sorted({len(words) for words in together.phrases}, reverse=True))
        return together

    def at(self, words: Sequence[str], place: int) -> Iterator[int]:
        """Lengths of the phrases that begin at a place, longest first."""
        room = len(words) - place
        return (n for n in self.lengths if n <= room and tuple(words[place : place + n]) in self.phrases)

    def longest_at(self, words: Sequence[str], place: int) -> int:
        """Length of the longest phrase that begins at a place, 0 if none does."""
        return next(self.at(words, place), 0)

    def longest_before(self, words: Sequence[str], place: int) -> int:
        """Length of the longest phrase that ends before a place, 0 if none does."""
        return next((n for n in self.lengths if n <= place and tuple(words[place - n : place]) in self.phrases), 0)

    def skip(self, words: Sequence[str], place: int) -> int:
        """The place behind all phrases that follow each other from a place on."""
        while place < len(words) and (length := self.longest_at(words, place)):
            place += length
        return place

    def skip_back(self, words: Sequence[str], place: int) -> int:
        """The place before all phrases that follow each other up to a place."""
        while place > 0 and (length := self.longest_before(words, place)):
            place -= length
        return place


NONE = Phrases()


def covers(words: Sequence[str], said: Phrases, around: Phrases = NONE) -> bool:
    """Whether the words consist of phrases of both sets and of nothing else, with at least one of `said`."""
    if not words or len(words) > MAX_COMMAND_WORDS:
        return False
    reached = {(0, False)}
    for place in range(len(words)):
        for is_said in (False, True):
            if (place, is_said) in reached:
                reached |= {(place + n, True) for n in said.at(words, place)}
                reached |= {(place + n, is_said) for n in around.at(words, place)}
    return (len(words), True) in reached


def one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter was left out, added, changed, or exchanged with its neighbor. The first letter counts as it
    is, unless it was exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    at = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return at > 0 and short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or (at > 0 and short[at + 1 :] == long[at + 1 :])
