"""Record the statements that a block sends, with the plan that the database makes for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Engine, event

from core.database import write_session


class Plan(NamedTuple):
    """A statement and the steps of its plan, one a line."""

    statement: str
    steps: str


def analyze(engine: Engine, *, on_sqlite: bool) -> None:
    """Make statistics, on SQLite only if wanted. An instance of PostgreSQL always has them, by its autovacuum."""
    if on_sqlite or engine.dialect.name == "postgresql":
        with write_session(engine) as session:
            session.connection().exec_driver_sql("ANALYZE")
        engine.dispose()  # a connection reads the statistics when it opens


@contextmanager
def explained_statements(engine: Engine) -> Iterator[list[Plan]]:
    """Fill a list with the plans of all statements in the block but INSERTs, after its end."""
    sent: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            sent.append((statement, parameters))

    plans: list[Plan] = []
    event.listen(engine, "before_cursor_execute", record)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", record)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        for statement, parameters in sent:
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
            plans.append(Plan(statement, "\n".join(str(row[-1]) for row in rows)))
