"""Finds the options in a prompt: `a fox --ar 16:9 --n 2 --no people`. Pure, and never an exception.

    --ar 16:9      shape, from 21:9 to 9:21; the painter chooses the pixels
    --n 2          how many pictures, 1 to 4
    --seed 42      the first picture's seed
    --steps 30     how long the painter takes, as far as the model allows it
    --style ink    a preset of `core/styles.py`
    --no people    what shall not be on it: all words up to the next option

They may stand anywhere. Telephones make one long dash of two short ones: that counts as two. Whatever is not one of
these, or has a value that is none, is part of the prompt. Of two of a kind the last one counts.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from core.styles import STYLES
from core.wishes import LARGEST_SEED, MOST_PICTURES, MOST_STEPS, SHAPES

OTHER_NAMES = {"watercolor": "watercolour"}

# Two hyphens, or the one long dash that a telephone makes of them. Right before a letter, lest it be a dash in prose.
OPTION = re.compile(r"(?:--|[\u2012-\u2015])([A-Za-z]+)(?:=(.*))?", re.DOTALL)
AFTER_VALUES = ".,;!"


@dataclass(frozen=True)
class Options:
    """What the asker chose. None where they chose nothing: then the painter's own."""

    count: int | None = None
    seed: int | None = None
    steps: int | None = None
    style: str | None = None
    negative: str | None = None
    aspect_ratio: str | None = None

    def over(self, other: "Options") -> "Options":
        """These, and of the other those that are not chosen here."""
        return replace(other, **{name: value for name, value in vars(self).items() if value is not None})


@dataclass
class _Reading:
    """How far the words are read."""

    tokens: list[str]
    at: int = 0
    kept: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)

    def step(self) -> None:
        """Read one token, or an option with its value."""
        found = OPTION.fullmatch(self.tokens[self.at])
        if not found or not self._take(found[1].lower(), found[2]):
            self.kept.append(self.tokens[self.at])
            self.at += 1

    def _take(self, name: str, inline: str | None) -> bool:
        if name == "no":
            return self._take_negative(inline)
        if name not in _VALUES or (inline is None and self.at + 1 >= len(self.tokens)):
            return False
        field_name, read = _VALUES[name]
        value = read(_plain(self.tokens[self.at + 1] if inline is None else inline))
        if value is None:
            return False
        self.chosen[field_name] = value
        self.at += 1 if inline is not None else 2
        return True

    def _take_negative(self, inline: str | None) -> bool:
        end = self.at + 1
        while end < len(self.tokens) and not OPTION.fullmatch(self.tokens[end]):
            end += 1
        words = [*([inline] if inline else []), *self.tokens[self.at + 1 : end]]
        if not words:
            return False
        self.chosen["negative"] = " ".join(words)
        self.at = end
        return True


def parse_options(words: str) -> tuple[str, Options]:
    """The prompt without its options, and the options. `words` is one line."""
    reading = _Reading(words.split())
    while reading.at < len(reading.tokens):
        reading.step()
    return " ".join(reading.kept), Options(**reading.chosen)


def _plain(value: str) -> str:
    """A value as it is compared: without the comma that follows it, with plain digits."""
    return unicodedata.normalize("NFKC", value).casefold().rstrip(AFTER_VALUES)


def _shape(value: str) -> str | None:
    return value if value in SHAPES else None


def _style(value: str) -> str | None:
    name = OTHER_NAMES.get(value, value)
    return name if name in STYLES else None


def _number(least: int, most: int) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        # Ten digits at most: the time to read a number of a million digits is not theirs to take.
        number = int(value) if re.fullmatch(r"[0-9]{1,10}", value) else -1
        return number if least <= number <= most else None

    return read


_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "ar": ("aspect_ratio", _shape),
    "n": ("count", _number(1, MOST_PICTURES)),
    "seed": ("seed", _number(0, LARGEST_SEED)),
    "steps": ("steps", _number(1, MOST_STEPS)),
    "style": ("style", _style),
}
