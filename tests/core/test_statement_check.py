"""The check of all statements (`tests/support/statement_plugin.py`) finds those that read a growing table whole."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from core.database import read_connection, write_session
from core.models import creations, posts
from core.publishing import unpublish
from tests.support.statement_check import find_unbounded
from tests.support.statement_log import Recorded, StatementLog, read_statements

WITHOUT, WITH = "without statistics", "with statistics"
STATEMENTS = {
    "no index": ("SELECT id FROM creation WHERE prompt = ?", ("a fox",)),
    "a whole index": ("SELECT state, count(*) FROM creation GROUP BY state", ()),
    "most of an index": ("SELECT id FROM creation WHERE deleted_at IS NULL AND prompt IN (?, ?)", ("a", "b")),
    "rare and last": ("SELECT id FROM creation WHERE seed = ? ORDER BY id DESC LIMIT 1", (-1,)),
    "an update": ("UPDATE creation SET seed = 1 WHERE model = ?", ("none",)),
    "behind a join": ("SELECT c.id FROM person JOIN creation c ON c.seed = person.id WHERE person.id = ?", (-1,)),
    "by key": ("SELECT prompt FROM creation WHERE id = ?", (17,)),
    "newest": ("SELECT id FROM creation WHERE published_at IS NOT NULL ORDER BY published_at DESC LIMIT 24", ()),
    "small table": ("SELECT * FROM cursor", ()),
}
UNBOUNDED = {"no index", "a whole index", "most of an index", "rare and last", "an update", "behind a join"}


def test_statements_that_read_a_table_whole_are_found(tmp_path: Path) -> None:
    statements = [Recorded("sqlite", *statement, origin=name) for name, statement in STATEMENTS.items()]
    found = {
        (finding.recorded.origin, finding.statistics) for finding in find_unbounded(statements, tmp_path, rows=2000)
    }
    assert found == {(name, statistics) for name in UNBOUNDED for statistics in (WITHOUT, WITH)}


@pytest.fixture
def recorded(engine: Engine, tmp_path: Path) -> Path:
    """Record the statements of an engine. Return the folder that they are written to."""
    folder = tmp_path / "statements"
    folder.mkdir()
    event.listen(engine, "before_cursor_execute", StatementLog(folder).record)
    return folder


def test_statements_of_the_product_are_recorded_once(engine: Engine, recorded: Path) -> None:
    for ids in ([1, 2], [1, 2, 3]):
        with write_session(engine) as session:
            unpublish(session, creations.c.id.in_(ids))
    updates = [one for one in read_statements(recorded) if one.statement.startswith("UPDATE creation")]
    assert [one.origin for one in updates] == ["core/publishing.py:unpublish"]
    assert updates[0].dialect == engine.dialect.name


def test_statements_of_tests_are_not_recorded(engine: Engine, recorded: Path) -> None:
    with read_connection(engine) as connection:
        connection.execute(posts.select())
    assert read_statements(recorded) == []
    (recorded / "1").write_bytes(b"\x80\x05")  # of a process that was killed
    assert read_statements(recorded) == []
