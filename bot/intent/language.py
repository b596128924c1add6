"""Load the phrases of all languages, one table per language in `tables/`.

A table is a TOML file of sections with lists of phrases, separated by commas. Case, accents, apostrophes and hyphens
do not count (`tokens.py`). Any section and any list may be missing. English commands count among the words of any
language, because users say "stop bitte" and "delete por favor"; polite words count in all languages.

In each section, `phrases` carry the meaning and `optional` may stand beside them. `prefixes` and `suffixes` are cut off
at the start and the end.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.intent.tokens import NO_PHRASES, Phrases

TABLES = Path(__file__).with_name("tables")
ENGLISH = "en"
NUMBER_LISTS = ("ordinals", "places", "cardinals")
PREPOSITIONS = ("as", "with", "without")


@dataclass(frozen=True)
class Language:
    """The phrases of one language by section and list, like `stop.phrases`.

    ordinals, places, cardinals: "second", "top left" and "two" with their numbers; -1 is the last. as_word, with_word,
    without_word: what precedes text that is added to a prompt.
    """

    code: str
    lists: Mapping[str, Phrases]
    ordinals: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    places: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    cardinals: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    as_word: str = "as"
    with_word: str = "with"
    without_word: str = "without"

    def __getitem__(self, name: str) -> Phrases:
        return self.lists.get(name, NO_PHRASES)

    def phrases(self, *own: str, english: tuple[str, ...] = (), all_languages: tuple[str, ...] = ()) -> Phrases:
        """Return lists of this language, of English and of all languages, as one."""
        return _joined_phrases(self.code, own, english, all_languages)


@cache
def languages() -> tuple[Language, ...]:
    """Return all languages, English first."""
    tables = {path.stem: _read(path) for path in sorted(TABLES.glob("*.toml"))}
    codes = sorted(tables, key=lambda code: (code != ENGLISH, code))
    return tuple(_language(code, tables[code]) for code in codes)


@cache
def all_phrases(*names: str) -> Phrases:
    """Return lists of all languages as one."""
    return Phrases.union(language[name] for language in languages() for name in names)


@cache
def _joined_phrases(
    code: str, own: tuple[str, ...], english: tuple[str, ...], all_languages: tuple[str, ...]
) -> Phrases:
    language = next(language for language in languages() if language.code == code)
    lists = [*(language[name] for name in own), *(languages()[0][name] for name in english)]
    return Phrases.union([*lists, all_phrases(*all_languages)])


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _language(code: str, table: dict[str, Any]) -> Language:
    texts_by_name = {f"{section}.{name}": text for section, lists in table.items() for name, text in lists.items()}
    ordinals, places, cardinals = (
        _numbers_by_phrase(texts_by_name.pop(f"numbers.{name}", {})) for name in NUMBER_LISTS
    )
    as_word, with_word, without_word = (texts_by_name.pop(f"edit.{name}", name) for name in PREPOSITIONS)
    lists = {name: Phrases(text.split(",")) for name, text in texts_by_name.items()}
    return Language(code, lists, ordinals, places, cardinals, as_word, with_word, without_word)


def _numbers_by_phrase(texts: Mapping[str, str]) -> dict[tuple[str, ...], int]:
    """Turn `{"2": "second, 2nd"}` into numbers by phrase."""
    return {words: int(number) for number, text in texts.items() for words in Phrases(text.split(",")).phrases}
