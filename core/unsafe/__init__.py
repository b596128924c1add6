"""Says whether a prompt is one that is clearly never painted. A first check by words; it knows nothing of meaning.

The words lie in `words.txt`, in groups. Compared is what a text is read as (`folding.py`), whole words only:
places and dishes that merely contain such a word pass. Whatever takes the place of this check one day has the same one
function.
"""

import codecs
import re
from functools import cache
from pathlib import Path

from core.unsafe.folding import readings

WORDS = Path(__file__).with_name("words.txt")
# Groups that are refused by themselves, and pairs that are refused together.
NEVER = ("sexual", "violent", "hateful")
PAIRS = (("suggestive", "minor"), ("bare", "minor"), ("force", "sexual act"), ("harm", "minor"))
# Groups that nobody shall come upon by leafing through the file.
VEILED = frozenset({"hateful"})
LONGEST_PHRASE = 4


def why_unsafe(prompt: str) -> str | None:
    """The group of words for which this prompt is not painted, or None where there is none."""
    said = [_phrases(_harmless().sub("", reading)) for reading in readings(prompt)]
    for group in NEVER:
        if any(_groups()[group] & phrases for phrases in said):
            return group
    for one, other in PAIRS:
        if any(_groups()[one] & phrases and _groups()[other] & phrases for phrases in said):
            return f"{one} and {other}"
    return None


def _phrases(reading: str) -> set[str]:
    """All words, and all words that stand side by side, as far as phrases of the file are long; without a plural s."""
    words = reading.split()
    runs = (words[at : at + length] for length in range(1, LONGEST_PHRASE + 1) for at in range(len(words)))
    said = {" ".join(run) for run in runs}
    return said | {phrase[:-1] for phrase in said if phrase.endswith("s")}


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile(rf"(?<= )(?:{'|'.join(map(re.escape, sorted(_groups()['but not'])))})(?= )")


@cache
def _groups() -> dict[str, frozenset[str]]:
    """The file: `[group]`, then words and phrases divided by commas; `#` begins a remark."""
    groups: dict[str, set[str]] = {}
    name = ""
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            name = text.strip("[]")
        elif text:
            plain = codecs.decode(text, "rot13") if name in VEILED else text
            groups.setdefault(name, set()).update(word for part in plain.split(",") if (word := part.strip()))
    return {name: frozenset(words) for name, words in groups.items()}
