"""The ledger: money, one row per thing that cost, in micro-dollars; and its sums per day, for the budgets.

Every row has a key that names the thing once and for all. X charges the same post or person once per UTC day, so a
read's key is the day and its id; an answer's key is its id, so that an answer found again is not counted again.
Knows prices; knows no X call and no budget.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, case, func, select

from core.clock import now
from core.database import insert_into, reading, transaction
from core.models import ledger, spendings

# Bound variables per statement: SQLite allows 32,766.
AT_ONCE = 1000


@dataclass(frozen=True)
class Cost:
    """One thing that cost. `key` names it: the same key counts once, whoever writes it down and however often."""

    key: str
    item: str
    micro_usd: int
    creation_id: int | None = None
    person_id: int | None = None


def write_costs(engine: Engine, costs: Iterable[Cost], *, at: datetime | None = None) -> int:
    """Write down what is new of it, in one transaction. `at` is the payee's time. Returns the micro-dollars added."""
    listed = {cost.key: cost for cost in costs}
    if not listed:
        return 0
    with transaction(engine) as session:
        return add_costs(session.connection(), listed.values(), at=at)


def add_costs(connection: Connection, costs: Iterable[Cost], *, at: datetime | None = None) -> int:
    """The same within the caller's transaction."""
    moment = at or now()
    day = f"{moment:%Y-%m-%d}"
    added: dict[str, list[int]] = {}
    # In one order, so that two writers cannot lock each other out.
    listed = sorted({cost.key: cost for cost in costs}.values(), key=lambda cost: cost.key)
    for start in range(0, len(listed), AT_ONCE):
        for item, micro in _insert(connection, listed[start : start + AT_ONCE], day, moment):
            added.setdefault(item, []).append(micro)
    for item in sorted(added):
        _add_up(connection, day, item, len(added[item]), sum(added[item]))
    return sum(sum(each) for each in added.values())


def _insert(connection: Connection, costs: list[Cost], day: str, at: datetime) -> list[tuple[str, int]]:
    """Item and price of those rows that were not there yet."""
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
    statement = insert_into(connection, ledger).values(rows).on_conflict_do_nothing(index_elements=["key"])
    found = connection.execute(statement.returning(ledger.c.item, ledger.c.micro_usd))
    return [(str(item), int(micro)) for item, micro in found]


def _add_up(connection: Connection, day: str, item: str, count: int, micro: int) -> None:
    values = {"day": day, "item": item, "count": count, "micro_usd": micro}
    more = {"count": spendings.c.count + count, "micro_usd": spendings.c.micro_usd + micro}
    statement = insert_into(connection, spendings).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["day", "item"], set_=more))


def spent(engine: Engine, days: str) -> int:
    """Micro-dollars of all days that begin with `days`: `2026-11-20` for a day, `2026-11` for a month."""
    # Along the key, not by LIKE, which looks through all days there ever were.
    wanted = select(func.coalesce(func.sum(spendings.c.micro_usd), 0)).where(
        spendings.c.day.between(days, f"{days}-99")
    )
    with reading(engine) as connection:
        return int(connection.execute(wanted).scalar_one())


def spent_of_month(engine: Engine, day: str) -> tuple[int, int]:
    """Micro-dollars of a day, and of its month."""
    month = spendings.c.day.between(day[:7], f"{day[:7]}-99")
    of_day = func.sum(case((spendings.c.day == day, spendings.c.micro_usd), else_=0))
    wanted = select(func.coalesce(of_day, 0), func.coalesce(func.sum(spendings.c.micro_usd), 0)).where(month)
    with reading(engine) as connection:
        on_day, in_month = connection.execute(wanted).one()
    return int(on_day), int(in_month)


def spent_on(engine: Engine, creation_id: int) -> dict[str, int]:
    """Micro-dollars per item of one creation."""
    wanted = (
        select(ledger.c.item, func.sum(ledger.c.micro_usd))
        .where(ledger.c.creation_id == creation_id)
        .group_by(ledger.c.item)
    )
    with reading(engine) as connection:
        return {str(item): int(micro) for item, micro in connection.execute(wanted)}


def times_paid(engine: Engine, creation_id: int, item: str) -> int:
    """How often an item was paid for a creation."""
    wanted = select(func.count()).where(ledger.c.creation_id == creation_id, ledger.c.item == item)
    with reading(engine) as connection:
        return int(connection.execute(wanted).scalar_one())


def bill(engine: Engine, days: str = "") -> dict[str, tuple[int, int]]:
    """Count and micro-dollars per item, of all days that begin with `days`."""
    wanted = (
        select(spendings.c.item, func.sum(spendings.c.count), func.sum(spendings.c.micro_usd))
        .where(spendings.c.day.startswith(days))
        .group_by(spendings.c.item)
        .order_by(spendings.c.item)
    )
    with reading(engine) as connection:
        return {str(item): (int(count), int(micro)) for item, count, micro in connection.execute(wanted)}
