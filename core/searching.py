"""Finds creations by the words of their prompts: what is written into the index, and what is asked of it.

    "Füchse im Wald" -> fuchse im wald         one form for what people take for one word
    "黒い猫"          -> 黒 い 猫                scripts without spaces go sign by sign, and are found as they stand
    "sci-fi"         -> "sci fi"               what was written together has to stand together
    "don't"          -> don t dont             found with and without the apostrophe

Both databases get words that are parted already, so they find the same, and nothing typed can be read as their syntax.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session

from core.database import transaction
from core.models.searchable import NAME, OVERWRITES, PEOPLE
from core.text import TAG_FLAG

LONGEST_WORD = 64
MOST_WORDS = 2000  # of one prompt; PostgreSQL counts places up to 16,383
LONGEST_QUESTION = 300
MOST_ASKED = 12
SHORTEST_BEGINNING = 2
# PostgreSQL looks through so many of the newest first: what half a hundredth of all have is found there at once.
NEWEST = 5000

# Of 500 pages each, after one look at what is deleted.
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
# Letters that Unicode does not take apart, as people type them who lack the key: ł is no l and a mark.
PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng", "ĳ": "ij"}
    | dict(zip("łøđðħıĸŧƀɓƈɖɗǥɠɨƙɫɲɵƥɍɽʂƭʈʉʋƶȥɏƴ", "loddhiktbbcddggiklnoprrsttuvzzyy", strict=True))
    # One letter in two alphabets, or in two of its forms: Persian and Arabic, alef, ya and ta marbuta.
    | dict(zip("کیىةٱے", "كييهاي", strict=True))
)
APOSTROPHE = re.compile(r"(?<=\w)['\u2018\u2019\u02bc\u02bb\u05f3\u05f4\u2032`](?=\w)")
PLURALS = re.compile(r"(?P<y>[a-z0-9]+)ies|(?P<e>[a-z0-9]+(?:x|ch|sh|ss|zz))es|(?P<s>[a-z0-9]*[a-z0-9][^isu'])s")

# What is asked for: words, some of them several that stand together.
Asked = Sequence[Sequence[str]]


def words_of(prompt: str) -> list[str]:
    """The words of a text in the form in which they are kept. `l'eau` is kept as `l`, `eau` and `leau`."""
    words: list[str] = []
    for part in _one_form(prompt).split():
        joined = APOSTROPHE.sub("", part)
        words += _split(part) + (_split(joined) if joined != part else [])
    return words[:MOST_WORDS]


def asked_in(question: str) -> list[list[str]]:
    """What somebody asks for, as bounded words; empty where there is no word in it."""
    parts = [_split(APOSTROPHE.sub("", part)) for part in _one_form(question[:LONGEST_QUESTION]).split()]
    return [part for part in parts if part][:MOST_ASKED]


def _split(part: str) -> list[str]:
    """The words of what stands between two spaces, in one form. The flag of a part of a country is one."""
    words: list[str] = []
    end = 0
    for flag in TAG_FLAG.finditer(part):
        words += [*_plain_words(part[end : flag.start()]), flag[0]]
        end = flag.end()
    return words + _plain_words(part[end:])


def _plain_words(part: str) -> list[str]:
    words: list[str] = []
    word = ""
    for sign in part:
        kind = unicodedata.category(sign)
        # Emoji are words, too; what `clean` put in a hole's place is none.
        stands_alone = (kind == "So" and sign != "\ufffd") or UNSPACED.match(sign)
        goes_on = not stands_alone and (kind[0] in "LN" or (kind[0] == "M" and word and sign != "\ufe0f"))
        if goes_on:
            word += sign
            continue
        words += [_singular(word)[:LONGEST_WORD], sign if stands_alone else ""]
        word = ""
    return [each for each in (*words, _singular(word)[:LONGEST_WORD]) if each]


def find(
    connection: Connection, asked: Asked, *, limit: int, before: int | None = None, beginnings: bool = False
) -> list[int]:
    """Ids of creations that hang and have all these words, newest first, older than `before`.

    `beginnings`: words that begin so are enough.
    """
    if not asked:
        return []
    name = connection.dialect.name
    values = {"question": question_for(name, asked, beginnings), "before": before or 2**63 - 1, "limit": limit}
    if name == "sqlite":
        return list(connection.execute(FIND["sqlite"], values).scalars())
    newest = list(connection.execute(FIND["newest"], {**values, "newest": NEWEST}).scalars())
    return newest if len(newest) == limit else list(connection.execute(FIND["all"], values).scalars())


def add(session: Session, prompts: Iterable[tuple[int, str]]) -> None:
    """Write down the words of creations that now hang, by their ids."""
    name = session.get_bind().dialect.name
    rows = [row(name, creation_id, prompt) for creation_id, prompt in prompts]
    if rows:
        session.connection().execute(ADD.get(name, ADD["postgresql"]), rows)


def remove(session: Session, creation_ids: Iterable[int]) -> None:
    """Strike out what does not hang any more."""
    name = session.get_bind().dialect.name
    rows = [{"id": creation_id} for creation_id in creation_ids]
    if rows:
        session.connection().execute(REMOVE.get(name, REMOVE["postgresql"]), rows)


def forget_removed(engine: Engine) -> None:
    """Make the indexes forget what was removed from them; until then its words can be read in the database's file.

    Only for SQLite before 3.42, which cannot do so at once: it merges the parts of an index, a few pages at a time.
    """
    if engine.dialect.name != "sqlite" or OVERWRITES:
        return
    for name in (NAME, PEOPLE):
        merge = text(f"INSERT INTO {name} ({name}, rank) VALUES ('merge', -500)")  # noqa: S608  # our own names
        for _ in range(MAX_MERGES):
            with transaction(engine) as session:
                changes = session.connection().execute(TOTAL_CHANGES).scalar_one()
                session.connection().execute(merge)
                if session.connection().execute(TOTAL_CHANGES).scalar_one() - changes < 2:  # nothing left to merge
                    break


def row(dialect: str, creation_id: int, prompt: str) -> dict[str, object]:
    """What is written for one creation."""
    words = words_of(prompt)
    if dialect == "sqlite":
        return {"id": creation_id, "words": " ".join(words)}
    return {"id": creation_id, "words": " ".join(f"'{word}':{place}" for place, word in enumerate(words, 1))}


FIND = {
    "sqlite": text(
        "SELECT rowid FROM searchable WHERE searchable MATCH :question AND rowid < :before"
        " ORDER BY rowid DESC LIMIT :limit"
    ),
    "newest": text(
        "SELECT id FROM (SELECT id, words FROM searchable WHERE id < :before ORDER BY id DESC LIMIT :newest) AS newest"
        " WHERE words @@ CAST(:question AS tsquery) ORDER BY id DESC LIMIT :limit"
    ),
    # Apart from the order: a planner that takes a word it never saw for a common one would walk the whole table.
    "all": text(
        "WITH found AS MATERIALIZED"
        " (SELECT id FROM searchable WHERE words @@ CAST(:question AS tsquery) AND id < :before)"
        " SELECT id FROM found ORDER BY id DESC LIMIT :limit"
    ),
}
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


def question_for(dialect: str, asked: Asked, beginnings: bool) -> str:
    """What is asked for, in the words of a database."""
    return (_for_sqlite if dialect == "sqlite" else _for_postgres)(asked, beginnings)


def _for_sqlite(asked: Asked, beginnings: bool) -> str:
    # Words hold letters, digits and signs only, so nothing in them ends the quotation.
    return " AND ".join(f'"{" ".join(part)}"{"*" if beginnings and _may_go_on(part) else ""}' for part in asked)


def _for_postgres(asked: Asked, beginnings: bool) -> str:
    parts = []
    for part in asked:
        words = [f"'{word}'" for word in part]
        words[-1] += ":*" if beginnings and _may_go_on(part) else ""
        parts.append(f"({' <-> '.join(words)})")
    return " & ".join(parts)


def _may_go_on(part: Sequence[str]) -> bool:
    return len(part[-1]) >= SHORTEST_BEGINNING


def _one_form(prompt: str) -> str:
    """Without case, marks, strokes, width and ligatures; signs that are letters of their own stay (が is not か)."""
    apart = unicodedata.normalize("NFKD", prompt.casefold())
    plain = unicodedata.normalize("NFC", MARKS.sub("", apart)).casefold().translate(PLAIN_LETTERS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def _singular(word: str) -> str:
    """`foxes` and `fox` are found by each other. This is no grammar: one form for both is all it takes."""
    found = PLURALS.fullmatch(word) if len(word) > 3 and word.isascii() else None
    if found is None:
        return word
    return f"{found['y']}y" if found["y"] else found["e"] or found["s"]
