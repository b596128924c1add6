"""Published creations and users are found by their words, on both databases, with any query."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, text

from core import search_index, search_query
from core.clock import now
from core.database import read_connection, write_session
from core.migrate import _config, _foreign_keys_off, check, migrate
from core.models import State, creations
from core.people_search_index import find_people, index_person, unindex_person
from core.publishing import publish, unpublish
from core.search_index import parse_query, tokenize
from core.search_query import find
from tests.support.rows import make_creation, make_painted, make_person

HOSTILE = [
    '"', '""', "*", "a*", '"a', "NEAR(a b, 2)", "a AND", "OR", "NOT", "-a", "words:a", "^a", "(", "a)", "{a b}", "'a",
    "a'", "';--", "a & b", "a | !b", "a <-> b", ":*", "\\", "\\'", "\x00", "a\x00b", "\ud800", "\ufffd", "%", "_",
    "é\u0301", "🎨", "", " ", "x" * 5000, "a " * 5000, "'a':1", "\u202eabc",
]  # fmt: skip


def make_published(engine: Engine, *prompts: str) -> list[int]:
    ids = make_painted(engine, prompts)
    with write_session(engine) as session:
        assert sorted(publish(session, creations.c.id.in_(ids))) == sorted(ids)
    return ids


def found(engine: Engine, question: str, **values: Any) -> list[int]:
    with read_connection(engine) as connection:
        return find(connection, parse_query(question), **{"limit": 50, **values}).ids


def pages_of(engine: Engine, question: str, **values: Any) -> list[list[int]]:
    """Return the ids of each page, from the newest to the end."""
    pages: list[list[int]] = []
    before: int | None = None
    with read_connection(engine) as connection:
        while not pages or before:
            ids, before = find(connection, parse_query(question), before=before, **{"limit": 5, **values})
            pages.append(ids)
    return pages


def all_found(engine: Engine, question: str, **values: Any) -> list[int]:
    return [creation_id for page in pages_of(engine, question, **values) for creation_id in page]


def test_all_words_must_match_newest_first(engine: Engine) -> None:
    fox, snow, both = make_published(engine, "a red fox", "snow at night", "a fox in the snow")
    assert found(engine, "fox") == [both, fox]
    assert found(engine, "SNOW fox") == [both]
    assert found(engine, "snow") == [both, snow]
    assert found(engine, "owl") == []


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few rows be many."""
    monkeypatch.setattr(search_query, "NEWEST_SCANNED", (3, 4))
    monkeypatch.setattr(search_index, "SLICE_ROWS", 4)
    monkeypatch.setattr(search_query, "MAX_RARE", 2)


@pytest.mark.usefixtures("small_slices")
def test_old_and_new_creations_are_found_beyond_the_newest_scanned(engine: Engine) -> None:
    ids = make_published(engine, "an owl", *["a fox"] * 6, "an owl", "a fox")
    assert all_found(engine, "owl") == [ids[7], ids[0]]
    assert found(engine, "owl", limit=1) == [ids[7]]
    assert found(engine, "fox", limit=2) == [ids[8], ids[6]]
    assert found(engine, "fox", limit=2, before=ids[6]) == [ids[5], ids[4]]
    assert all_found(engine, "fox") == [*ids[8:9], *reversed(ids[1:7])]
    assert found(engine, "owl", before=ids[7]) == [ids[0]]


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_an_unknown_word_is_searched_by_the_index(migrated_database: Engine) -> None:
    """The planner overestimates it, since all other words are frequent, and would rather scan for one row by id."""
    with write_session(migrated_database) as session:
        words = ["fox", "snow", "night", "light", "ink"]
        search_index.add(session, ((n, f"a {words[n % 5]}") for n in range(1, 3_001)))
    with migrated_database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE searchable"))
        values = {"query": "('zebra')", "before": 2**63 - 1, "limit": 1}
        plan = "\n".join(connection.execute(text(f"EXPLAIN {search_query.FIND['all'].text}"), values).scalars())
    assert "ix_searchable_words" in plan, plan


def test_results_are_paginated(engine: Engine) -> None:
    ids = make_published(engine, *["a fox"] * 5)
    assert found(engine, "fox", limit=2) == ids[:2:-1]
    assert found(engine, "fox", limit=2, before=ids[3]) == [ids[2], ids[1]]


@pytest.mark.parametrize(
    ("prompt", "question"),
    [
        ("Füchse im Wald", "fuchse"),
        ("fuchse", "FÜCHSE"),
        ("three foxes", "fox"),
        ("a pony", "ponies"),
        ("cats, dogs", "dog cat"),
        ("Ёлка в лесу", "елка"),
        ("ＦＵＬＬ width", "full"),
        ("a ﬁne day", "fine"),
        ("黒い猫の絵", "猫"),
        ("黒い猫の絵", "黒い猫"),
        ("かわいい고양이가", "고양이"),
        ("แมวดำ", "แมว"),
        ("sunset 🎨 colors", "🎨"),
        ("science-fiction, 1980s", "science-fiction"),
        ("the fox's den", "fox's den"),
        ("\u0643\u0650\u062a\u064e\u0627\u0628\u064c \u0642\u062f\u064a\u0645", "\u0643\u062a\u0627\u0628"),
        ("\u0643\u062a\u0627\u0628", "\u0643\u0650\u062a\u064e\u0627\u0628\u064c"),
        ("\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\u0645\u062d\u0645\u0640\u0640\u0640\u062f", "\u0645\u062d\u0645\u062f"),
        ("\u06a9\u062a\u0627\u0628", "\u0643\u062a\u0627\u0628"),
        ("Łódź harbour", "lodz"),
        ("lodz", "ŁÓDŹ"),
        ("Tromsø at night", "tromso"),
        ("smørrebrød", "smorrebrod"),
        ("Ægir, Œdipus", "aegir oedipus"),
        ("Đà Nẵng", "da nang"),
        ("Þórshöfn", "thorshofn"),
        ("ISTANBUL ışık", "istanbul isik"),
        ("große Straße", "GROSSE strasse"),
        ("don\u2019t look", "dont"),
        ("dont look", "don't"),
        ("l'eau bleue", "eau"),
        ("l'eau bleue", "l\u2019eau"),
        ("O'Brien", "obrien"),
        ("\u0663 foxes", "3 fox"),
        (
            "a castle with \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        ),
    ],
)
def test_spellings_of_one_word_match(engine: Engine, prompt: str, question: str) -> None:
    other, wanted = make_published(engine, "nothing of it", prompt)
    assert found(engine, question) == [wanted]
    assert other not in found(engine, question)


def test_different_words_do_not_match(engine: Engine) -> None:
    make_published(engine, "か", "a black flag 🏴", "ножи", "an ox")
    for question in ("が", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "ножы", "øxa"):
        assert found(engine, question) == [], question


def test_compound_words_match_as_a_phrase(engine: Engine) -> None:
    _apart, together = make_published(engine, "fiction about science", "science fiction")
    assert found(engine, "science-fiction") == [together]
    _other, cat = make_published(engine, "猫と黒", "黒猫")
    assert found(engine, "黒猫") == [cat]


def test_prefixes_match_on_request(engine: Engine) -> None:
    [lighthouse] = make_published(engine, "a lighthouse in fog")
    assert found(engine, "light") == []
    assert found(engine, "light", prefix=True) == [lighthouse]
    assert found(engine, "fo lig", prefix=True) == [lighthouse]
    assert found(engine, "house", prefix=True) == []


def test_of_a_long_prefix_eight_letters_count(engine: Engine) -> None:
    [lighthouse, photograph, _] = make_published(engine, "a lighthouse in fog", "a photograph", "photons")
    assert found(engine, "lighthou", prefix=True) == [lighthouse]
    assert found(engine, "lighthouze", prefix=True) == [lighthouse]
    assert found(engine, "photography fan", prefix=True) == []
    assert found(engine, "photography", prefix=True) == [photograph]


@pytest.mark.usefixtures("small_slices")
def test_common_words_that_rarely_meet_are_searched_in_parts(engine: Engine) -> None:
    ids = make_published(
        engine, "a cat, a fox", *["a cat", "a fox"] * 10, "a black-cat, a fox", "a cat", "an owl, a cat"
    )
    for question in ("cat fox", "fox cat a"):
        assert all_found(engine, question) == [ids[-3], ids[0]]
        assert all_found(engine, question, prefix=True) == [ids[-3], ids[0]]
        assert len(pages_of(engine, question)) > 1
    assert pages_of(engine, "zebra cat") == [[]]  # one of the words is rare: searched at once
    assert all_found(engine, "black-cat a") == [ids[-3]]
    assert all_found(engine, "owl cat") == [ids[-1]]


def test_slices_are_no_words(engine: Engine) -> None:
    make_published(engine, "a fox")
    for question in ("№0", "No. 0", "№", "0"):
        assert found(engine, question) == found(engine, question, prefix=True) == []


def test_queries_have_no_syntax(engine: Engine) -> None:
    ids = set(make_published(engine, "plain words"))
    for question in HOSTILE:
        ids |= set(make_published(engine, f"wrapped {question.replace(chr(0), '').replace(chr(0xD800), '')} around"))
        for prefix in (False, True):
            assert set(found(engine, question, prefix=prefix)) <= ids, question


def test_hostile_prompts_are_found_by_their_own_words(engine: Engine, material: Path) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    texts = [each for each in [*naughty, *payloads[::20]] if parse_query(each)]
    ids = make_published(engine, *texts)
    for creation_id, prompt in zip(ids, texts, strict=True):
        assert creation_id in found(engine, prompt, limit=2000), prompt


def test_unpublished_creation_is_not_found(engine: Engine) -> None:
    one, other = make_published(engine, "a fox", "a fox")
    with write_session(engine) as session:
        unpublish(session, creations.c.id == one)
    assert found(engine, "fox") == [other]
    with write_session(engine) as session:
        publish(session, creations.c.id == one)
        publish(session, creations.c.id == one)
    assert found(engine, "fox") == [other, one]


def test_a_rolled_back_publication_is_not_found(engine: Engine) -> None:
    one = make_creation(engine, prompt="a fox", pictures=1, state=State.PAINTED, painted_at=now())
    with pytest.raises(ZeroDivisionError), write_session(engine) as session:
        publish(session, creations.c.id == one)
        raise ZeroDivisionError
    assert found(engine, "fox") == []


def test_migration_indexes_published_creations_only(migrated_database: Engine) -> None:
    [fox] = make_published(migrated_database, "a fox before")
    make_creation(migrated_database, prompt="a hidden fox")
    with migrated_database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        command.downgrade(_config(connection), "0007")
    migrate(migrated_database)
    check(migrated_database)
    assert found(migrated_database, "fox") == [fox]


def test_migration_reindexes_words_without_their_accents(migrated_database: Engine) -> None:
    [harbour, fox] = make_published(migrated_database, "Łódź harbour", "a fox")
    make_person(migrated_database, id=77, username="kofi_m", name="Kofi Ménsah")
    make_person(migrated_database, id=78, username="78", name="somebody")
    with migrated_database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        command.downgrade(_config(connection), "0012")
        old = search_index.index_row(connection.dialect.name, harbour, "x") | {
            "words": "łodz" if is_sqlite(migrated_database) else "'łodz':1"
        }
        connection.execute(search_index.ADD[connection.dialect.name], [old])
    migrate(migrated_database)
    check(migrated_database)
    assert found(migrated_database, "lodz") == [harbour]
    assert found(migrated_database, "fox") == [fox]
    assert found_people(migrated_database, "mensah") == [77]
    assert found_people(migrated_database, "somebody") == []


def test_migration_rebuilds_an_index_of_short_prefixes(migrated_database: Engine) -> None:
    [lighthouse] = make_published(migrated_database, "a lighthouse")
    with migrated_database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        command.downgrade(_config(connection), "0022")
        if is_sqlite(migrated_database):
            connection.exec_driver_sql("DROP TABLE searchable")
            connection.exec_driver_sql(
                "CREATE VIRTUAL TABLE searchable USING fts5(words, tokenize='ascii', prefix='2 3')"
            )
            connection.exec_driver_sql(f"INSERT INTO searchable (rowid, words) VALUES ({lighthouse}, 'a lighthouse')")
    migrate(migrated_database)
    check(migrated_database)
    assert found(migrated_database, "lighth", prefix=True) == [lighthouse]
    if is_sqlite(migrated_database):
        with read_connection(migrated_database) as connection:
            tables = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name LIKE 'searchable%'").scalars()
            created = [sql for sql in tables if sql.startswith("CREATE VIRTUAL TABLE")]
        assert len(created) == 2 and all("prefix='2 3 4 5 6 7 8'" in sql for sql in created)


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def found_people(engine: Engine, question: str, **values: Any) -> list[int]:
    with read_connection(engine) as connection:
        return find_people(connection, parse_query(question), **{"limit": 50, **values})


def test_users_are_found_by_current_names_and_handles(engine: Engine) -> None:
    with write_session(engine) as session:
        index_person(session, 7, "kofi_m", "Kofi Mensah")
        index_person(session, 8, "ada_l", "Ada")
    assert found_people(engine, "KOFI mensah") == [7]
    assert found_people(engine, "kofi_m") == [7]
    assert found_people(engine, "ada") == [8]
    assert (found_people(engine, "men"), found_people(engine, "men", prefix=True)) == ([], [7])
    with write_session(engine) as session:
        index_person(session, 7, "kofi_m", "Kwame")
        unindex_person(session, 8)
    assert (found_people(engine, "mensah"), found_people(engine, "kwame"), found_people(engine, "ada")) == ([], [7], [])


@pytest.mark.parametrize("question", HOSTILE)
def test_queries_for_users_have_no_syntax(engine: Engine, question: str) -> None:
    with write_session(engine) as session:
        index_person(session, 7, "ada", question.replace("\0", "").replace("\ud800", ""))
    for prefix in (False, True):
        assert set(found_people(engine, question, prefix=prefix)) <= {7}


def test_the_index_survives_a_downgrade_and_upgrade(migrated_database: Engine) -> None:
    with migrated_database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        command.downgrade(_config(connection), "0007")
    migrate(migrated_database)
    check(migrated_database)
    [fox] = make_published(migrated_database, "a fox")
    assert found(migrated_database, "fox") == [fox]


def test_words_and_queries_are_limited() -> None:
    assert len(tokenize("a b " * 10_000)) == 2000
    assert len(parse_query("a b " * 10_000)) == 12
    assert max(map(len, tokenize("x" * 5000))) == 64
    assert parse_query(' \x00 -*" ') == []
