"""Detect prompts that are clearly unsafe, by words from `words.txt`. It does not understand meaning.

The normalized variants of a text (`normalize.py`) are compared by whole words, so places and dishes that only contain
such a word pass.
"""

import codecs
import re
from functools import cache
from pathlib import Path

from core.prompt_filter.normalize import normalized_variants

WORDS = Path(__file__).with_name("words.txt")
# Groups that are unsafe alone, and pairs of groups that are unsafe together.
NEVER = ("sexual", "violent", "hateful")
PAIRS = (("suggestive", "minor"), ("bare", "minor"), ("force", "sexual act"), ("harm", "minor"))
# Groups that are stored in ROT13, so that readers of the file do not see slurs.
ROT13_GROUPS = frozenset({"hateful"})
MAX_PHRASE_WORDS = 4


def unsafe_category(prompt: str) -> str | None:
    """Return the word group that makes this prompt unsafe, or None."""
    said = [_phrases(_harmless().sub("", reading)) for reading in normalized_variants(prompt)]
    for group in NEVER:
        if any(_groups()[group] & phrases for phrases in said):
            return group
    for one, other in PAIRS:
        if any(_groups()[one] & phrases and _groups()[other] & phrases for phrases in said):
            return f"{one} and {other}"
    return None


def _phrases(reading: str) -> set[str]:
    """Return all runs of up to MAX_PHRASE_WORDS words, with and without a plural s."""
    words = reading.split()
    runs = (words[at : at + length] for length in range(1, MAX_PHRASE_WORDS + 1) for at in range(len(words)))
    said = {" ".join(run) for run in runs}
    return said | {phrase[:-1] for phrase in said if phrase.endswith("s")}


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile(rf"(?<= )(?:{'|'.join(map(re.escape, sorted(_groups()['but not'])))})(?= )")


@cache
def _groups() -> dict[str, frozenset[str]]:
    """Parse the file: `[group]`, then words and phrases separated by commas; `#` starts a comment."""
    groups: dict[str, set[str]] = {}
    name = ""
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            name = text.strip("[]")
        elif text:
            plain = codecs.decode(text, "rot13") if name in ROT13_GROUPS else text
            groups.setdefault(name, set()).update(word for part in plain.split(",") if (word := part.strip()))
    return {name: frozenset(words) for name, words in groups.items()}
