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
from core.visibility import conceal, show
from tests.support.rows import make_creation

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
    ],
)
def test_one_form_for_what_people_take_for_one_word(engine: Engine, prompt: str, question: str) -> None:
    other, wanted = hung(engine, "nothing of it", prompt)
    assert found(engine, question) == [wanted]
    assert other not in found(engine, question)


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
