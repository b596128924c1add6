"""Ledger: one row per cost, in micro-dollars, and daily sums for the budgets.

Each row has a unique key. X charges a read of the same post or user once per UTC day, so the key of a read has the day
and the id. The key of a reply is its id, so that a reply that is found again is not counted twice.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, case, func, select
from sqlmodel import Session

from core.clock import now
from core.database import insert_into, read_connection, write_session
from core.models import daily_spend, ledger


@dataclass(frozen=True)
class LedgerEntry:
    """One cost. The ledger counts the same `key` once, however often it is written."""

    key: str
    item: str
    micro_usd: int
    creation_id: int | None = None
    person_id: int | None = None


@dataclass
class PendingCosts:
    """Costs that are written in the transaction that saves what they paid for."""

    engine: Engine
    _batches: list[tuple[datetime, list[LedgerEntry]]] = field(default_factory=list)

    def add(self, costs: Iterable[LedgerEntry], *, at: datetime) -> None:
        """Keep costs until the next transaction. `at` is the time of the payee."""
        self._batches.append((at, list(costs)))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a write session that also writes these costs. They stay pending if it is rolled back."""
        with write_session(self.engine) as session:
            yield session
            # Last, since all workers wait for the rows of the day.
            for at, costs in self._batches:
                add_costs(session.connection(), costs, at=at)
        self._batches.clear()

    def write(self) -> None:
        """Write what is still pending, if anything."""
        if self._batches:
            with self.transaction():
                pass


def write_costs(engine: Engine, costs: Iterable[LedgerEntry], *, at: datetime | None = None) -> int:
    """Write new costs in one transaction and return the micro-dollars added. `at` is the time of the payee."""
    by_key = {cost.key: cost for cost in costs}
    if not by_key:
        return 0
    with write_session(engine) as session:
        return add_costs(session.connection(), by_key.values(), at=at)


def add_costs(connection: Connection, costs: Iterable[LedgerEntry], *, at: datetime | None = None) -> int:
    """Write new costs within the caller's transaction and return the micro-dollars added."""
    moment = at or now()
    day = f"{moment:%Y-%m-%d}"
    added: dict[str, list[int]] = {}
    # Sorted, so that two writers cannot deadlock.
    ordered = sorted({cost.key: cost for cost in costs}.values(), key=lambda cost: cost.key)
    for item, micro in _insert(connection, ordered, day, moment) if ordered else ():
        added.setdefault(item, []).append(micro)
    for item in sorted(added):
        _add_to_day(connection, day, item, len(added[item]), sum(added[item]))
    return sum(sum(micros) for micros in added.values())


def _insert(connection: Connection, costs: list[LedgerEntry], day: str, at: datetime) -> list[tuple[str, int]]:
    """Insert costs and return item and price of the new rows."""
    rows = [
        {
            "key": cost.key,
            "day": day,
            "item": cost.item,
            "micro_usd": cost.micro_usd,
            "creation_id": cost.creation_id,
            "person_id": cost.person_id,
            "at": at,
        }
        for cost in costs
    ]
    stmt = insert_into(connection, ledger).on_conflict_do_nothing(index_elements=["key"])
    # Without values in the statement, SQLAlchemy compiles it once and sends the rows in batches.
    inserted = connection.execute(stmt.returning(ledger.c.item, ledger.c.micro_usd), rows)
    return [(str(item), int(micro)) for item, micro in inserted]


def _add_to_day(connection: Connection, day: str, item: str, count: int, micro: int) -> None:
    values = {"day": day, "item": item, "count": count, "micro_usd": micro}
    more = {"count": daily_spend.c.count + count, "micro_usd": daily_spend.c.micro_usd + micro}
    stmt = insert_into(connection, daily_spend).values(values)
    connection.execute(stmt.on_conflict_do_update(index_elements=["day", "item"], set_=more))


def total_spent(engine: Engine, period: str) -> int:
    """Return the micro-dollars of a period: `2026-11-20` is a day, `2026-11` a month."""
    # BETWEEN uses the index; LIKE would read all days.
    stmt = select(func.coalesce(func.sum(daily_spend.c.micro_usd), 0)).where(
        daily_spend.c.day.between(period, f"{period}-99")
    )
    with read_connection(engine) as connection:
        return int(connection.execute(stmt).scalar_one())


def spent_on_day_and_month(engine: Engine, day: str) -> tuple[int, int]:
    """Return the micro-dollars of a day and of its month."""
    is_in_month = daily_spend.c.day.between(day[:7], f"{day[:7]}-99")
    of_day = func.sum(case((daily_spend.c.day == day, daily_spend.c.micro_usd), else_=0))
    stmt = select(func.coalesce(of_day, 0), func.coalesce(func.sum(daily_spend.c.micro_usd), 0)).where(is_in_month)
    with read_connection(engine) as connection:
        on_day, in_month = connection.execute(stmt).one()
    return int(on_day), int(in_month)


def cost_of_creation(engine: Engine, creation_id: int) -> dict[str, int]:
    """Return the micro-dollars of a creation by item."""
    stmt = (
        select(ledger.c.item, func.sum(ledger.c.micro_usd))
        .where(ledger.c.creation_id == creation_id)
        .group_by(ledger.c.item)
    )
    with read_connection(engine) as connection:
        return {str(item): int(micro) for item, micro in connection.execute(stmt)}


def count_charges(engine: Engine, creation_id: int, item: str) -> int:
    """Return how often an item was charged for a creation."""
    stmt = select(func.count()).where(ledger.c.creation_id == creation_id, ledger.c.item == item)
    with read_connection(engine) as connection:
        return int(connection.execute(stmt).scalar_one())


def totals_by_item(engine: Engine, period: str = "") -> dict[str, tuple[int, int]]:
    """Return count and micro-dollars by item, of a period as for `total_spent`; empty for all time."""
    stmt = (
        select(daily_spend.c.item, func.sum(daily_spend.c.count), func.sum(daily_spend.c.micro_usd))
        .where(daily_spend.c.day.startswith(period))
        .group_by(daily_spend.c.item)
        .order_by(daily_spend.c.item)
    )
    with read_connection(engine) as connection:
        return {str(item): (int(count), int(micro)) for item, count, micro in connection.execute(stmt)}
