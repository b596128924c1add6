"""The phrases of all languages: one table per language, in `tables/`. Knows what the lists are for, not what they say.

A table is a TOML file of sections with lists of phrases, divided by commas. Case, accents, apostrophes and hyphens do
not count (`words.py`). Any section and any list may be missing. English stands in for words that a language lacks:
people say "stop bitte" and "delete por favor", so the English commands are commands among the words of any language,
and words of politeness are known everywhere.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.intent.words import NONE, Phrases

TABLES = Path(__file__).with_name("tables")
ENGLISH = "en"
COUNTED = ("ordinals", "places", "cardinals")
PREPOSITIONS = ("as", "with", "without")


@dataclass(frozen=True)
class Language:
    """The phrases of one language by section and list, like `stop.words`.

    ordinals, places, cardinals: "second", "top left" and "two" with their numbers; -1 is the last. as_word, with_word,
    without_word: what is put before words that are added to a prompt.
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
        return self.lists.get(name, NONE)

    def phrases(self, *own: str, english: tuple[str, ...] = (), all_languages: tuple[str, ...] = ()) -> Phrases:
        """Lists of this language, of English and of all languages, as one."""
        return _joined(self.code, own, english, all_languages)


@cache
def languages() -> tuple[Language, ...]:
    """All tables, English first."""
    tables = {path.stem: _read(path) for path in sorted(TABLES.glob("*.toml"))}
    codes = sorted(tables, key=lambda code: (code != ENGLISH, code))
    return tuple(_language(code, tables[code]) for code in codes)


@cache
def everywhere(*names: str) -> Phrases:
    """Lists of all languages together."""
    return Phrases.union(language[name] for language in languages() for name in names)


@cache
def _joined(code: str, own: tuple[str, ...], english: tuple[str, ...], all_languages: tuple[str, ...]) -> Phrases:
    language = next(one for one in languages() if one.code == code)
    lists = [*(language[name] for name in own), *(languages()[0][name] for name in english)]
    return Phrases.union([*lists, everywhere(*all_languages)])


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _language(code: str, table: dict[str, Any]) -> Language:
    listed = {f"{section}.{name}": text for section, lists in table.items() for name, text in lists.items()}
    ordinals, places, cardinals = (_counted(listed.pop(f"numbers.{name}", {})) for name in COUNTED)
    as_word, with_word, without_word = (listed.pop(f"change.{name}", name) for name in PREPOSITIONS)
    lists = {name: Phrases(text.split(",")) for name, text in listed.items()}
    return Language(code, lists, ordinals, places, cardinals, as_word, with_word, without_word)


def _counted(texts: Mapping[str, str]) -> dict[tuple[str, ...], int]:
    """`{"2": "second, 2nd"}` by phrase."""
    return {words: int(number) for number, text in texts.items() for words in Phrases(text.split(",")).phrases}
