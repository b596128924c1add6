"""The host's bill in dollars: per item, per day or month, per person. Lines for the terminal; knows the ledger only."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, exists, func, select

from core.database import reading
from core.errors import HouseError
from core.models import creations, people, pictures
from core.models import ledger as rows
from core.money import ledger
from core.money.forecast import month_at_this_pace
from core.money.prices import GPU, GPU_IDLE
from core.settings import MoneySettings

MOST_EXPENSIVE = 5
# As the host reads them, where the item's own name does not say it.
LABELS = {GPU_IDLE: "gpu idle (estimate)"}


def dollars(micro_usd: int) -> str:
    """`$12.3456`: to a hundredth of a cent, since most things here cost less than one."""
    return f"${micro_usd / 1_000_000:,.4f}"


def read_days(text: str, *, example: str) -> str:
    """A day or month as the ledger writes it. Raises HouseError for one that does not exist."""
    try:
        # Only the form of the example: Python also reads 20261120 and 2026-W47-5.
        datetime.strptime(text, "%Y-%m-%d" if len(example) > len("2026-11") else "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise HouseError(f"{text[:40]!r} does not exist; write it like {example}") from None
    if len(text) != len(example):
        raise HouseError(f"{text[:40]!r} does not exist; write it like {example}")
    return text


def lines(engine: Engine, days: str) -> Iterator[str]:
    """What a day (`2026-11-20`) or month (`2026-11`) has cost so far, per item and in all."""
    items = ledger.bill(engine, days)
    yield f"{days} (UTC)"
    if not items:
        yield "  nothing was paid"
        return
    for item, (number, micro) in items.items():
        yield f"  {LABELS.get(item, item):<20} {number:>9,}  {dollars(micro):>14}"
    yield f"  {'total':<20} {'':>9}  {dollars(sum(micro for _, micro in items.values())):>14}"


def against_budgets(engine: Engine, money: MoneySettings, moment: datetime) -> str:
    """`today $1.2000 of $10.00, this month $7.8000 of $100.00`."""
    parts = (
        ("today", f"{moment:%Y-%m-%d}", money.budget_day_usd),
        ("this month", f"{moment:%Y-%m}", money.budget_month_usd),
    )
    return ", ".join(f"{words} {dollars(ledger.spent(engine, days))}{_of(limit)}" for words, days, limit in parts)


def month_end(engine: Engine, moment: datetime) -> str:
    """`at this pace $31.2000 by the end of the month`."""
    _, month = ledger.spent_of_month(engine, f"{moment:%Y-%m-%d}")
    return f"at this pace {dollars(month_at_this_pace(month, moment))} by the end of the month"


def as_data(engine: Engine, days: str) -> dict[str, Any]:
    """The bill of a day or month as JSON shows it: count and micro-dollars per item."""
    items = {item: {"count": number, "micro_usd": micro} for item, (number, micro) in ledger.bill(engine, days).items()}
    return {"days": days, "items": items, "micro_usd": sum(one["micro_usd"] for one in items.values())}


def painting_today(engine: Engine, moment: datetime) -> Iterator[str]:
    """What painting cost today, idle time beside it, and for how much a picture; nothing where nothing was painted."""
    items = ledger.bill(engine, f"{moment:%Y-%m-%d}")
    (paintings, painting), (_, idle) = items.get(GPU, (0, 0)), items.get(GPU_IDLE, (0, 0))
    if not paintings:
        return
    hung = _hung_since(engine, moment.replace(hour=0, minute=0, second=0, microsecond=0))
    each = f"; {hung:,} pictures hang, about {dollars((painting + idle) // hung)} each" if hung else ""
    yield f"painting today {dollars(painting)}, the painter's idle time about {dollars(idle)}{each}"


def _hung_since(engine: Engine, moment: datetime) -> int:
    """Pictures of paintings since then. By the creation's time, which has an index."""
    wanted = (
        select(func.count(pictures.c.id))
        .join_from(creations, pictures, pictures.c.creation_id == creations.c.id)
        .where(creations.c.created_at >= moment - timedelta(days=2), pictures.c.created_at >= moment)
    )
    with reading(engine) as connection:
        return int(connection.execute(wanted).scalar_one())


def most_expensive(engine: Engine, day: str) -> Iterator[str]:
    """Who cost most on a day: handle, dollars. Only people who asked for something: what else is read is ours."""
    total = func.sum(rows.c.micro_usd)
    asked = exists().where(creations.c.person_id == rows.c.person_id)
    wanted = (
        select(rows.c.person_id, func.max(people.c.username), total)
        .outerjoin(people, people.c.id == rows.c.person_id)
        .where(rows.c.day == day, asked)
        .group_by(rows.c.person_id)
        .order_by(total.desc(), rows.c.person_id)
        .limit(MOST_EXPENSIVE)
    )
    with reading(engine) as connection:
        found = connection.execute(wanted).all()
    for person_id, username, micro in found:
        yield f"{'@' + username if username else person_id}  {dollars(int(micro))}"


def _of(limit: float | None) -> str:
    return f" of ${limit:,.2f}" if limit is not None else " (no budget)"
