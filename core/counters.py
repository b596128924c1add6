"""Update counts that are stored in rows (likes, remixes, followers, board sizes), many at a time.

Always `SET n = n + step`: a count is never read and written back. Rows are locked in the order of their ids, so two
transactions that update the same counts wait for each other and never deadlock.
"""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Column, Table, select, update
from sqlmodel import Session

# Bound variables per statement: SQLite allows 32,766.
BATCH_SIZE = 1000


def increment(session: Session, table: Table, column: Column[int], steps: Mapping[int, int]) -> None:
    """Add a step to the count of each row, by row id: `{17: -1, 18: 2}`. Equal steps share a statement."""
    ids_by_step: dict[int, list[int]] = {}
    for row_id, step in steps.items():
        ids_by_step.setdefault(step, []).append(row_id)
    lock_rows(session, table, steps)
    for step, row_ids in ids_by_step.items():
        for ids in chunked(row_ids) if step else ():
            session.execute(update(table).where(table.c.id.in_(ids)).values({column.name: column + step}))


def lock_rows(session: Session, table: Table, row_ids: Iterable[int]) -> None:
    """Lock these rows until the end of the transaction. Does nothing on SQLite, which has one writer anyway."""
    if session.connection().dialect.name == "sqlite":
        return
    for ids in chunked(row_ids):
        stmt = select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id)
        session.execute(stmt.with_for_update(key_share=True)).all()


def chunked(ids: Iterable[int]) -> Iterator[list[int]]:
    """Yield the distinct ids in order, BATCH_SIZE at a time."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), BATCH_SIZE):
        yield ordered[start : start + BATCH_SIZE]
