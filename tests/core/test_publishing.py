"""Only `core.publishing` publishes creations, and remix counts equal the published remixes."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, creations, people, pictures
from core.publishing import publish, unpublish
from tests.support.rows import make_creation, make_person, read_creation

ROOT = Path(__file__).parent.parent.parent


def painted(engine: Engine, **values: Any) -> int:
    return make_creation(engine, **{"pictures": 1, "state": State.PAINTED, "painted_at": now(), **values})


def publish_creations(engine: Engine, *ids: int) -> list[int]:
    with write_session(engine) as session:
        return publish(session, creations.c.id.in_(ids))


def unpublish_creations(engine: Engine, *ids: int) -> list[int]:
    with write_session(engine) as session:
        return unpublish(session, creations.c.id.in_(ids))


def test_published_at_equals_painted_at(engine: Engine) -> None:
    one = painted(engine)
    assert publish_creations(engine, one) == [one]
    row = read_creation(engine, one)
    assert row.published_at == row.painted_at


@pytest.mark.parametrize("values", [{"hidden_at": now()}, {"deleted_at": now()}, {"painted_at": None}, {"pictures": 0}])
def test_an_unpublishable_creation_stays_unpublished(engine: Engine, values: dict[str, Any]) -> None:
    one = painted(engine, **values)
    assert publish_creations(engine, one) == []
    assert read_creation(engine, one).published_at is None


def test_creations_of_hidden_users_and_flagged_ones_stay_unpublished(engine: Engine) -> None:
    theirs = painted(engine, person_id=make_person(engine, hidden_at=now()))
    flagged = painted(engine)
    with write_session(engine) as session:
        session.execute(update(pictures).where(pictures.c.creation_id == flagged).values(flagged=True))
    assert publish_creations(engine, theirs, flagged) == []
    with write_session(engine) as session:
        session.execute(update(people).values(hidden_at=None))
    assert publish_creations(engine, theirs, flagged) == [theirs]


def test_remixes_count_published_children_once(engine: Engine) -> None:
    parent = painted(engine)
    children = [painted(engine, parent_id=parent) for _ in range(3)]
    publish_creations(engine, *children)
    publish_creations(engine, *children)
    assert read_creation(engine, parent).remixes == 3
    unpublish_creations(engine, children[0])
    unpublish_creations(engine, children[0])
    assert read_creation(engine, parent).remixes == 2


def test_remix_counts_are_right_after_concurrent_changes(engine: Engine) -> None:
    parent = painted(engine)
    children = [painted(engine, parent_id=parent) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda child: publish_creations(engine, child), children * 2))
        list(pool.map(lambda child: unpublish_creations(engine, child), children[:5] * 2))
    assert read_creation(engine, parent).remixes == 7


def test_no_other_module_sets_published_at() -> None:
    others = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("bot", "core", "gallery", "worker")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and path.name != "publishing.py"
        for line in find_changes(path.read_text())
    ]
    assert others == []


@pytest.mark.parametrize(
    "line",
    [
        "creation.published_at = now()",
        "update(creations).values(published_at=None)",
        "Creation(published_at=now())",
        'insert(creations).values({"published_at": now()})',
        'changed = {"published_at": None}',
        "values |= dict(published_at=None)",
    ],
)
def test_a_change_is_detected(line: str) -> None:
    assert list(find_changes(line)) == [1]


def find_changes(source: str) -> Iterator[int]:
    """Yield lines that set `published_at`: on a row, in a statement or in a dictionary. Copies do not count."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "published_at":
            yield node.lineno
        elif isinstance(node, ast.Call) and any(word.arg == "published_at" for word in node.keywords):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"values", "Creation", "dict", "move"}:
                yield node.lineno
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                is_copy = isinstance(value, ast.Attribute) and value.attr == "published_at"
                if isinstance(key, ast.Constant) and key.value == "published_at" and not is_copy:
                    yield node.lineno
