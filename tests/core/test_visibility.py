"""What hangs is decided in one place, and the remixes of a creation are those that hang, whoever counts at once."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction
from core.models import State, creations, people, pictures
from core.visibility import conceal, show
from tests.support.rows import make_creation, make_person, read_creation

HOUSE = Path(__file__).parent.parent.parent


def painted(engine: Engine, **values) -> int:
    return make_creation(engine, **{"pictures": 1, "state": State.PAINTED, "painted_at": now(), **values})


def hang(engine: Engine, *ids: int) -> list[int]:
    with transaction(engine) as session:
        return show(session, creations.c.id.in_(ids))


def take_down(engine: Engine, *ids: int) -> list[int]:
    with transaction(engine) as session:
        return conceal(session, creations.c.id.in_(ids))


def test_it_hangs_at_the_place_of_its_painting(engine: Engine) -> None:
    one = painted(engine)
    assert hang(engine, one) == [one]
    row = read_creation(engine, one)
    assert row.shown_at == row.painted_at


@pytest.mark.parametrize("values", [{"hidden_at": now()}, {"deleted_at": now()}, {"painted_at": None}, {"pictures": 0}])
def test_what_may_not_hang_does_not(engine: Engine, values) -> None:
    one = painted(engine, **values)
    assert hang(engine, one) == []
    assert read_creation(engine, one).shown_at is None


def test_nothing_of_a_hidden_person_and_nothing_flagged_hangs(engine: Engine) -> None:
    theirs = painted(engine, person_id=make_person(engine, hidden_at=now()))
    flagged = painted(engine)
    with transaction(engine) as session:
        session.execute(update(pictures).where(pictures.c.creation_id == flagged).values(flagged=True))
    assert hang(engine, theirs, flagged) == []
    with transaction(engine) as session:
        session.execute(update(people).values(hidden_at=None))
    assert hang(engine, theirs, flagged) == [theirs]


def test_remixes_count_what_hangs_and_only_once(engine: Engine) -> None:
    parent = painted(engine)
    children = [painted(engine, parent_id=parent) for _ in range(3)]
    hang(engine, *children)
    hang(engine, *children)
    assert read_creation(engine, parent).remixes == 3
    take_down(engine, children[0])
    take_down(engine, children[0])
    assert read_creation(engine, parent).remixes == 2


def test_remixes_are_right_when_many_come_and_go_at_once(engine: Engine) -> None:
    parent = painted(engine)
    children = [painted(engine, parent_id=parent) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda child: hang(engine, child), children * 2))
        list(pool.map(lambda child: take_down(engine, child), children[:5] * 2))
    assert read_creation(engine, parent).remixes == 7


def test_no_other_file_of_the_house_changes_it() -> None:
    others = [
        f"{path.relative_to(HOUSE)}:{line}"
        for folder in ("bot", "core", "gallery", "worker")
        for path in (HOUSE / folder).rglob("*.py")
        if "migrations" not in path.parts and path.name != "visibility.py"
        for line in changes_of_it(path.read_text())
    ]
    assert others == []


@pytest.mark.parametrize(
    "line",
    [
        "creation.shown_at = now()",
        "update(creations).values(shown_at=None)",
        "Creation(shown_at=now())",
        'insert(creations).values({"shown_at": now()})',
        'changed = {"shown_at": None}',
        "values |= dict(shown_at=None)",
    ],
)
def test_a_change_of_it_is_seen(line: str) -> None:
    assert list(changes_of_it(line)) == [1]


def changes_of_it(source: str) -> Iterator[int]:
    """Lines that set it: on a row, in a statement, in a dictionary of values. What only hands it on is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "shown_at":
            yield node.lineno
        elif isinstance(node, ast.Call) and any(word.arg == "shown_at" for word in node.keywords):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"values", "Creation", "dict", "move"}:
                yield node.lineno
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                handed_on = isinstance(value, ast.Attribute) and value.attr == "shown_at"
                if isinstance(key, ast.Constant) and key.value == "shown_at" and not handed_on:
                    yield node.lineno
