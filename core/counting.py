"""Changes counts that stand in rows (likes, remixes, followers, sizes of boards), many at once. Knows no table.

Always `SET n = n + step`, never read and written back. Rows are locked in the order of their ids: two who count on the
same rows wait for each other, and never in a circle.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, Table, select, update
from sqlmodel import Session

# Bound variables per statement: SQLite allows 32,766.
AT_ONCE = 1000


def count(session: Session, table: Table, column: Column[Any], steps: Mapping[int, int]) -> None:
    """Add to a count of rows, by their ids: `{17: -1, 18: 2}`. Rows with the same step share a statement."""
    alike: dict[int, list[int]] = {}
    for row_id, step in steps.items():
        alike.setdefault(step, []).append(row_id)
    lock(session, table, steps)
    for step, ids in alike.items():
        for some in at_once(ids) if step else ():
            session.execute(update(table).where(table.c.id.in_(some)).values({column.name: column + step}))


def lock(session: Session, table: Table, ids: Iterable[int]) -> None:
    """Nobody else changes these rows until the end of the transaction. SQLite has one writer anyway."""
    if session.connection().dialect.name == "sqlite":
        return
    for some in at_once(ids):
        rows = select(table.c.id).where(table.c.id.in_(some)).order_by(table.c.id)
        session.execute(rows.with_for_update(key_share=True)).all()


def at_once(ids: Iterable[int]) -> Iterator[list[int]]:
    """The ids in their order, as many at a time as a statement takes."""
    listed = sorted(set(ids))
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]
