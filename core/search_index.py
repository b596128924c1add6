"""Index creations by the words of their prompts; `core/search_query.py` searches them.

    "Füchse im Wald" -> fuchse im wald         one form for variants of a word
    "黒い猫"          -> 黒 い 猫                scripts without spaces: one token per character, matched as a phrase
    "sci-fi"         -> "sci fi"               joined words match as a phrase
    "don't"          -> don t dont             matches with and without the apostrophe

Both databases get words that are already tokenized, so results agree, and no input is read as query syntax.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy import Engine, text
from sqlmodel import Session

from core.database import write_session
from core.models.search import (
    HAS_SECURE_DELETE,
    MAX_PREFIX_LENGTH,
    MIN_PREFIX_LENGTH,
    PEOPLE_SEARCH_INDEX_TABLE,
    SEARCH_INDEX_TABLE,
)
from core.text import TAG_FLAG

MAX_WORD_LENGTH = 64
MAX_WORDS = 2000  # of one prompt; PostgreSQL counts places up to 16,383
MAX_QUERY_LENGTH = 300
MAX_TERMS = 12
# Each row of SQLite's index also names its slice (core/search_query.py). No word contains the mark: it becomes "no".
SLICE_ROWS, SLICE_MARK = 20_000, "№"

# Of 500 pages each, after each check for deleted words.
MAX_MERGES = 20
TOTAL_CHANGES = text("SELECT total_changes()")

# Scripts that put no spaces between words: kana, Han, Hangul, Thai, Lao, Khmer, Burmese.
UNSPACED = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)
# Accents; the vowel and reading marks of Hebrew, Arabic and Syriac; the stroke that only stretches Arabic words.
MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u08ca-\u08e1\u08e3-\u08ff\ufb1e]"
)
# Letters that Unicode does not decompose (ł is no l with a mark), as users without the key type them.
PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng", "ĳ": "ij"}
    | dict(zip("łøđðħıĸŧƀɓƈɖɗǥɠɨƙɫɲɵƥɍɽʂƭʈʉʋƶȥɏƴ", "loddhiktbbcddggiklnoprrsttuvzzyy", strict=True))
    # One letter in two alphabets, or in two of its forms: Persian and Arabic, alef, ya and ta marbuta.
    | dict(zip("کیىةٱے", "كييهاي", strict=True))
)
APOSTROPHE = re.compile(r"(?<=\w)['\u2018\u2019\u02bc\u02bb\u05f3\u05f4\u2032`](?=\w)")
PLURALS = re.compile(r"(?P<y>[a-z0-9]+)ies|(?P<e>[a-z0-9]+(?:x|ch|sh|ss|zz))es|(?P<s>[a-z0-9]*[a-z0-9][^isu'])s")

# A parsed query: each term is a word, or several words that form a phrase.
Terms = Sequence[Sequence[str]]


def tokenize(prompt: str) -> list[str]:
    """Return the normalized words of a text. `l'eau` becomes `l`, `eau` and `leau`."""
    words: list[str] = []
    for part in _normalize(prompt).split():
        joined = APOSTROPHE.sub("", part)
        words += _split(part) + (_split(joined) if joined != part else [])
    return words[:MAX_WORDS]


def parse_query(query: str) -> list[list[str]]:
    """Return the terms of a query, at most MAX_TERMS; empty if it contains no word."""
    parts = [_split(APOSTROPHE.sub("", part)) for part in _normalize(query[:MAX_QUERY_LENGTH]).split()]
    return [part for part in parts if part][:MAX_TERMS]


def _split(part: str) -> list[str]:
    """Split text without spaces into normalized words. The flag of a part of a country counts as one word."""
    words: list[str] = []
    end = 0
    for flag in TAG_FLAG.finditer(part):
        words += [*_plain_words(part[end : flag.start()]), flag[0]]
        end = flag.end()
    return words + _plain_words(part[end:])


def _plain_words(part: str) -> list[str]:
    words: list[str] = []
    word = ""
    for character in part:
        category = unicodedata.category(character)
        # Emoji are words, too. U+FFFD is not: `clean` puts it in place of invalid text.
        stands_alone = (category == "So" and character != "\ufffd") or UNSPACED.match(character)
        is_mark = category[0] == "M" and word and character != "\ufe0f"
        if not stands_alone and (category[0] in "LN" or is_mark):
            word += character
            continue
        words += [_singular(word)[:MAX_WORD_LENGTH], character if stands_alone else ""]
        word = ""
    return [token for token in (*words, _singular(word)[:MAX_WORD_LENGTH]) if token]


def add(session: Session, prompts: Iterable[tuple[int, str]]) -> None:
    """Index prompts of published creations, given as pairs of id and prompt."""
    name = session.get_bind().dialect.name
    rows = [creation_row(name, creation_id, prompt) for creation_id, prompt in prompts]
    if rows:
        session.connection().execute(ADD.get(name, ADD["postgresql"]), rows)


def remove(session: Session, creation_ids: Iterable[int]) -> None:
    """Remove creations from the index."""
    name = session.get_bind().dialect.name
    rows = [{"id": creation_id} for creation_id in creation_ids]
    if rows:
        session.connection().execute(REMOVE.get(name, REMOVE["postgresql"]), rows)


def purge_removed(engine: Engine) -> None:
    """Make the indexes forget what was removed from them; until then its words can be read in the database's file.

    Only for SQLite before 3.42, which cannot do so at once: it merges the parts of an index, a few pages at a time.
    """
    if engine.dialect.name != "sqlite" or HAS_SECURE_DELETE:
        return
    for name in (SEARCH_INDEX_TABLE, PEOPLE_SEARCH_INDEX_TABLE):
        merge = text(f"INSERT INTO {name} ({name}, rank) VALUES ('merge', -500)")  # noqa: S608  # our own names
        for _ in range(MAX_MERGES):
            with write_session(engine) as session:
                changes = session.connection().execute(TOTAL_CHANGES).scalar_one()
                session.connection().execute(merge)
                if session.connection().execute(TOTAL_CHANGES).scalar_one() - changes < 2:  # nothing left to merge
                    break


def creation_row(dialect: str, creation_id: int, prompt: str) -> dict[str, object]:
    """Return the index row of a creation: its words and, for SQLite, its slice."""
    row = index_row(dialect, creation_id, prompt)
    if dialect == "sqlite":
        row["words"] = f"{row['words']} {SLICE_MARK}{creation_id // SLICE_ROWS}"
    return row


def index_row(dialect: str, row_id: int, text: str) -> dict[str, object]:
    """Return the index row of a text."""
    words = tokenize(text)
    if dialect == "sqlite":
        return {"id": row_id, "words": " ".join(words)}
    return {"id": row_id, "words": " ".join(f"'{word}':{place}" for place, word in enumerate(words, 1))}


ADD = {
    "sqlite": text("INSERT OR REPLACE INTO searchable (rowid, words) VALUES (:id, :words)"),
    "postgresql": text(
        "INSERT INTO searchable (id, words) VALUES (:id, CAST(:words AS tsvector))"
        " ON CONFLICT (id) DO UPDATE SET words = excluded.words"
    ),
}
REMOVE = {
    "sqlite": text("DELETE FROM searchable WHERE rowid = :id"),
    "postgresql": text("DELETE FROM searchable WHERE id = :id"),
}


def match_expression(dialect: str, terms: Terms, prefix: bool) -> str:
    """Return the query in the syntax of a database."""
    return (_for_sqlite if dialect == "sqlite" else _for_postgres)(terms, prefix)


def _for_sqlite(terms: Terms, prefix: bool) -> str:
    # Words contain no quotation marks, so quoting is safe.
    if not prefix:
        return " AND ".join(f'"{" ".join(part)}"' for part in terms)
    return " AND ".join(f'"{" ".join(_cut(part))}"{"*" if _is_prefixable(part) else ""}' for part in terms)


def _for_postgres(terms: Terms, prefix: bool) -> str:
    parts = []
    for part in terms:
        words = [f"'{word}'" for word in (_cut(part) if prefix else part)]
        words[-1] += ":*" if prefix and _is_prefixable(part) else ""
        parts.append(f"({' <-> '.join(words)})")
    return " & ".join(parts)


def _is_prefixable(part: Sequence[str]) -> bool:
    return len(part[-1]) >= MIN_PREFIX_LENGTH


def _cut(part: Sequence[str]) -> list[str]:
    """Return a term with its last word cut to the longest prefix that is indexed."""
    return [*part[:-1], part[-1][:MAX_PREFIX_LENGTH]]


def _normalize(prompt: str) -> str:
    """Remove case, marks, strokes, width and ligatures. Letters of their own stay (が is not か)."""
    decomposed = unicodedata.normalize("NFKD", prompt.casefold())
    plain = unicodedata.normalize("NFC", MARKS.sub("", decomposed)).casefold().translate(PLAIN_LETTERS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def _singular(word: str) -> str:
    """Return one form for `fox` and `foxes`, so that each finds the other. It need not be correct grammar."""
    plural = PLURALS.fullmatch(word) if len(word) > 3 and word.isascii() else None
    if plural is None:
        return word
    return f"{plural['y']}y" if plural["y"] else plural["e"] or plural["s"]
