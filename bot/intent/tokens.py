"""Split text into words, and find phrases among them. Pure, and independent of any language.

Words are compared without case, accents, apostrophes and hyphens, and a repeated letter counts once: "STOPPP!!!" is
`stop`, "s'il te plaît" is `sil te plait`. Emoji and punctuation are not words. Chinese and Japanese have no spaces:
each of their characters counts as a word.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

CJK = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f"
# Words that differ in the accent only: Spanish "más" (more), Portuguese "mas" (but).
ACCENT_COUNTS = frozenset({"m\u00e1s"})
APOSTROPHES = "'\u2019\u02bc\u00b4`"
ACCENTS = re.compile("[\u0300-\u036f]")
WORD = re.compile(rf"[{CJK}]|(?:(?![{CJK}])[^\W_]|[\u0300-\u036f]|[{APOSTROPHES}](?=[^\W_]))+")
REPEATED_LETTERS = re.compile(r"([^\W\d_])\1{2,}")
# A hyphen or a dash inside a word ends no clause.
CLAUSE_ENDS = re.compile("[,.;:!?\u2026\u3001\u3002\uff01\uff1f\uff0c]|\\s[-\u2013\u2014]+\\s")
# Punctuation that remains when words are cut off.
LEADING_PUNCTUATION = " ,.;:!?\u2026\u3001\u3002\uff01\uff1f\uff0c\u2013\u2014-)]\u201d\u00bb"
TRAILING_PUNCTUATION = " ,;:\u3001\uff0c\u2013\u2014-([\u201c\u00ab\u00a1\u00bf"
# Commands are shorter. The bound keeps long posts from taking much time.
MAX_COMMAND_WORDS = 40


def normalize_word(word: str) -> str:
    """Return the form of a word that is compared."""
    lower = unicodedata.normalize("NFKC", word).casefold()
    if lower in ACCENT_COUNTS:
        return lower
    decomposed = unicodedata.normalize("NFD", lower)
    unaccented = unicodedata.normalize("NFC", ACCENTS.sub("", decomposed))
    return REPEATED_LETTERS.sub(r"\1", "".join(char for char in unaccented if char not in APOSTROPHES))


@dataclass(frozen=True)
class Utterance:
    """A line of text and its words. `spans`: the position of each word in `text`, end exclusive."""

    text: str

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(match.span() for match in WORD.finditer(self.text))

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(normalize_word(self.text[start:end]) for start, end in self.spans)

    def ends_clause(self, at: int) -> bool:
        """Return whether a clause ends before word `at`; true at both ends."""
        if at <= 0 or at >= len(self.spans):
            return True
        return bool(CLAUSE_ENDS.search(self.text, self.spans[at - 1][1], self.spans[at][0]))

    def after(self, at: int) -> "Utterance":
        """Return the text behind the first `at` words."""
        return self if at == 0 else Utterance(self.text[self.spans[at - 1][1] :].lstrip(LEADING_PUNCTUATION))

    def before(self, at: int) -> "Utterance":
        """Return the text before word `at`."""
        return self if at >= len(self.spans) else Utterance(self.text[: self.spans[at][0]].rstrip(TRAILING_PUNCTUATION))

    def without(self, start: int, end: int) -> "Utterance":
        """Return the text without the words from `start` to `end`."""
        return Utterance(f"{self.before(start).text} {self.after(end).text}".strip())


class Phrases:
    """A set of phrases to search among words."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.phrases = frozenset(words for text in texts if (words := Utterance(text).words))
        self.lengths = tuple(sorted({len(words) for words in self.phrases}, reverse=True))

    @classmethod
    def union(cls, sets: "Iterable[Phrases]") -> "Phrases":
        """Return several sets as one."""
        merged = cls()
        merged.phrases = frozenset().union(*(phrases.phrases for phrases in sets))
        merged.lengths = tuple(sorted({len(words) for words in merged.phrases}, reverse=True))
        return merged

    def at(self, words: Sequence[str], position: int) -> Iterator[int]:
        """Yield the lengths of the phrases that start at a position, longest first."""
        remaining = len(words) - position
        return (n for n in self.lengths if n <= remaining and tuple(words[position : position + n]) in self.phrases)

    def match_length_at(self, words: Sequence[str], position: int) -> int:
        """Return the length of the longest phrase that starts at a position, 0 if none does."""
        return next(self.at(words, position), 0)

    def match_length_before(self, words: Sequence[str], position: int) -> int:
        """Return the length of the longest phrase that ends before a position, 0 if none does."""
        return next(
            (n for n in self.lengths if n <= position and tuple(words[position - n : position]) in self.phrases), 0
        )

    def skip(self, words: Sequence[str], position: int) -> int:
        """Return the position behind all consecutive phrases that start at a position."""
        while position < len(words) and (length := self.match_length_at(words, position)):
            position += length
        return position

    def skip_back(self, words: Sequence[str], position: int) -> int:
        """Return the position before all consecutive phrases that end at a position."""
        while position > 0 and (length := self.match_length_before(words, position)):
            position -= length
        return position


NO_PHRASES = Phrases()


def consists_of(words: Sequence[str], required: Phrases, optional: Phrases = NO_PHRASES) -> bool:
    """Return whether the words consist of phrases of both sets only, with at least one of `required`."""
    if not words or len(words) > MAX_COMMAND_WORDS:
        return False
    reached = {(0, False)}
    for position in range(len(words)):
        for has_required in (False, True):
            if (position, has_required) in reached:
                reached |= {(position + n, True) for n in required.at(words, position)}
                reached |= {(position + n, has_required) for n in optional.at(words, position)}
    return (len(words), True) in reached


def is_one_edit_apart(word: str, target: str) -> bool:
    """Return whether one letter was left out, added, replaced, or swapped with its neighbor.

    The first letter must be equal, unless it was swapped.
    """
    if word == target or abs(len(word) - len(target)) > 1:
        return False
    short, long = sorted((word, target), key=len)
    at = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return at > 0 and short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or (at > 0 and short[at + 1 :] == long[at + 1 :])
