"""What hangs is found by its words, in both databases alike, whatever is typed."""

import csv
import json

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from core import searching
from core.clock import now
from core.database import open_database, reading, transaction
from core.models import State, creations
from core.schema import _config, _tables_may_be_copied, check, migrate
from core.searching import asked_in, find, words_of
from core.searching_people import find_people, index_person, remove_person
from core.visibility import conceal, show
from tests.support.rows import make_creation, make_person

HOSTILE = [
    '"', '""', "*", "a*", '"a', "NEAR(a b, 2)", "a AND", "OR", "NOT", "-a", "words:a", "^a", "(", "a)", "{a b}", "'a",
    "a'", "';--", "a & b", "a | !b", "a <-> b", ":*", "\\", "\\'", "\x00", "a\x00b", "\ud800", "\ufffd", "%", "_",
    "é\u0301", "🎨", "", " ", "x" * 5000, "a " * 5000, "'a':1", "\u202eabc",
]  # fmt: skip


def hung(engine: Engine, *prompts: str) -> list[int]:
    values = {"pictures": 1, "state": State.PAINTED, "painted_at": now()}
    ids = [make_creation(engine, prompt=prompt, **values) for prompt in prompts]
    with transaction(engine) as session:
        assert sorted(show(session, creations.c.id.in_(ids))) == sorted(ids)
    return ids


def found(engine: Engine, question: str, **values) -> list[int]:
    with reading(engine) as connection:
        return find(connection, asked_in(question), **{"limit": 50, **values})


def test_it_finds_what_has_all_the_words_newest_first(engine: Engine) -> None:
    fox, snow, both = hung(engine, "a red fox", "snow at night", "a fox in the snow")
    assert found(engine, "fox") == [both, fox]
    assert found(engine, "SNOW fox") == [both]
    assert found(engine, "snow") == [both, snow]
    assert found(engine, "owl") == []


def test_the_old_and_the_new_are_found_however_few_of_the_newest_are_looked_through(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "NEWEST", 3)
    ids = hung(engine, "an owl", *["a fox"] * 6, "an owl", "a fox")
    assert found(engine, "owl") == [ids[7], ids[0]]
    assert found(engine, "owl", limit=1) == [ids[7]]
    assert found(engine, "fox", limit=2) == [ids[8], ids[6]]
    assert found(engine, "fox", limit=2, before=ids[6]) == [ids[5], ids[4]]
    assert found(engine, "owl", before=ids[7]) == [ids[0]]


def test_a_word_that_nobody_wrote_is_not_looked_for_in_every_row(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    SQLModel.metadata.create_all(engine)
    with transaction(engine) as session:
        words = ["fox", "snow", "night", "light", "ink"]
        searching.add(session, ((n, f"a {words[n % 5]} number{n % 300}") for n in range(1, 20_001)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE searchable"))
        values = {"question": "('zebra')", "before": 2**63 - 1, "limit": 25}
        plan = "\n".join(connection.execute(text(f"EXPLAIN {searching.FIND['all'].text}"), values).scalars())
    engine.dispose()
    assert "ix_searchable_words" in plan, plan


def test_it_goes_on_after_the_last_one_found(engine: Engine) -> None:
    ids = hung(engine, *["a fox"] * 5)
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
        ("sunset 🎨 colours", "🎨"),
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
def test_one_form_for_what_people_take_for_one_word(engine: Engine, prompt: str, question: str) -> None:
    other, wanted = hung(engine, "nothing of it", prompt)
    assert found(engine, question) == [wanted]
    assert other not in found(engine, question)


def test_what_people_take_for_two_words_stays_two(engine: Engine) -> None:
    hung(engine, "か", "a black flag 🏴", "ножи", "an ox")
    for question in ("が", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "ножы", "øxa"):
        assert found(engine, question) == [], question


def test_what_was_written_together_has_to_stand_together(engine: Engine) -> None:
    _apart, together = hung(engine, "fiction about science", "science fiction")
    assert found(engine, "science-fiction") == [together]
    _other, cat = hung(engine, "猫と黒", "黒猫")
    assert found(engine, "黒猫") == [cat]


def test_beginnings_are_enough_where_that_is_asked(engine: Engine) -> None:
    [house] = hung(engine, "a lighthouse in fog")
    assert found(engine, "light") == []
    assert found(engine, "light", beginnings=True) == [house]
    assert found(engine, "fo lig", beginnings=True) == [house]
    assert found(engine, "house", beginnings=True) == []


def test_nothing_typed_is_syntax(engine: Engine) -> None:
    ids = set(hung(engine, "plain words"))
    for question in HOSTILE:
        ids |= set(hung(engine, f"wrapped {question.replace(chr(0), '').replace(chr(0xD800), '')} around"))
        for beginnings in (False, True):
            assert set(found(engine, question, beginnings=beginnings)) <= ids, question


def test_naughty_prompts_are_kept_and_found_by_their_own_words(engine: Engine, material) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    texts = [each for each in [*naughty, *payloads[::20]] if asked_in(each)]
    ids = hung(engine, *texts)
    for creation_id, prompt in zip(ids, texts, strict=True):
        assert creation_id in found(engine, prompt, limit=2000), prompt


def test_what_does_not_hang_is_not_found(engine: Engine) -> None:
    one, other = hung(engine, "a fox", "a fox")
    with transaction(engine) as session:
        conceal(session, creations.c.id == one)
    assert found(engine, "fox") == [other]
    with transaction(engine) as session:
        show(session, creations.c.id == one)
        show(session, creations.c.id == one)
    assert found(engine, "fox") == [other, one]


def test_what_is_undone_is_not_found_either(engine: Engine) -> None:
    one = make_creation(engine, prompt="a fox", pictures=1, state=State.PAINTED, painted_at=now())
    with pytest.raises(ZeroDivisionError), transaction(engine) as session:
        show(session, creations.c.id == one)
        raise ZeroDivisionError
    assert found(engine, "fox") == []


def test_what_hung_before_is_found_after_the_migration_and_only_that(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    migrate(engine)
    [fox] = hung(engine, "a fox before")
    make_creation(engine, prompt="a hidden fox")
    with engine.connect() as connection, _tables_may_be_copied(connection), connection.begin():
        command.downgrade(_config(connection), "0007")
    migrate(engine)
    check(engine)
    assert found(engine, "fox") == [fox]


def test_what_was_indexed_with_its_marks_is_found_without_them_after_the_migration(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    migrate(engine)
    [harbour, fox] = hung(engine, "Łódź harbour", "a fox")
    make_person(engine, id=77, username="kofi_m", name="Kofi Ménsah")
    make_person(engine, id=78, username="78", name="somebody")
    with engine.connect() as connection, _tables_may_be_copied(connection), connection.begin():
        command.downgrade(_config(connection), "0012")
        old = searching.row(connection.dialect.name, harbour, "x") | {
            "words": "łodz" if is_sqlite(engine) else "'łodz':1"
        }
        connection.execute(searching.ADD[connection.dialect.name], [old])
    migrate(engine)
    check(engine)
    assert found(engine, "lodz") == [harbour]
    assert found(engine, "fox") == [fox]
    assert called(engine, "mensah") == [77]
    assert called(engine, "somebody") == []


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def called(engine: Engine, question: str, **values) -> list[int]:
    with reading(engine) as connection:
        return find_people(connection, asked_in(question), **{"limit": 50, **values})


def test_people_are_found_by_their_present_names_and_handles(engine: Engine) -> None:
    with transaction(engine) as session:
        index_person(session, 7, "kofi_m", "Kofi Mensah")
        index_person(session, 8, "ada_l", "Ada")
    assert called(engine, "KOFI mensah") == [7]
    assert called(engine, "kofi_m") == [7]
    assert called(engine, "ada") == [8]
    assert (called(engine, "men"), called(engine, "men", beginnings=True)) == ([], [7])
    with transaction(engine) as session:
        index_person(session, 7, "kofi_m", "Kwame")
        remove_person(session, 8)
    assert (called(engine, "mensah"), called(engine, "kwame"), called(engine, "ada")) == ([], [7], [])


@pytest.mark.parametrize("question", HOSTILE)
def test_nothing_typed_is_syntax_to_the_names_either(engine: Engine, question: str) -> None:
    with transaction(engine) as session:
        index_person(session, 7, "ada", question.replace("\0", "").replace("\ud800", ""))
    for beginnings in (False, True):
        assert set(called(engine, question, beginnings=beginnings)) <= {7}


def test_it_goes_back_and_forth(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    migrate(engine)
    with engine.connect() as connection, _tables_may_be_copied(connection), connection.begin():
        command.downgrade(_config(connection), "0007")
    migrate(engine)
    check(engine)
    [fox] = hung(engine, "a fox")
    assert found(engine, "fox") == [fox]


def test_words_and_questions_are_bounded() -> None:
    assert len(words_of("a b " * 10_000)) == 2000
    assert len(asked_in("a b " * 10_000)) == 12
    assert max(map(len, words_of("x" * 5000))) == 64
    assert asked_in(' \x00 -*" ') == []
