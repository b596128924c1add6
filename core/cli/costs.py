"""Render costs in dollars: per item, per day or month, per user."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, exists, func, select

from core.budget import ledger
from core.budget.forecast import project_month
from core.budget.prices import GPU, GPU_IDLE
from core.database import read_connection
from core.errors import ThreadpaintError
from core.models import creations, people, pictures
from core.models import ledger as ledger_table
from core.settings import BudgetSettings

MAX_USERS = 5
# Labels of items whose own name is not clear enough.
LABELS = {GPU_IDLE: "gpu idle (estimate)"}
PERIOD_FORMATS = {"2026-11": "%Y-%m", "2026-11-20": "%Y-%m-%d"}


def dollars(micro_usd: int) -> str:
    """Return `$12.3456`: four decimals, because most items cost less than a cent."""
    return f"${micro_usd / 1_000_000:,.4f}"


def parse_period(text: str, *, example: str) -> str:
    """Return a day or month as the ledger stores it. Raise ThreadpaintError if it does not exist.

    example: `2026-11` or `2026-11-20`, the expected format.
    """
    try:
        # The length is checked, too: Python also parses 2026-1.
        datetime.strptime(text, PERIOD_FORMATS[example]).replace(tzinfo=UTC)
        is_valid = len(text) == len(example)
    except ValueError:
        is_valid = False
    if not is_valid:
        kind = "day" if example == "2026-11-20" else "month"
        raise ThreadpaintError(f"Invalid {kind} {text[:40]!r} (expected e.g. {example})")
    return text


def render_bill(engine: Engine, period: str) -> Iterator[str]:
    """Yield the costs of a day (`2026-11-20`) or month (`2026-11`) per item, and the total."""
    items = ledger.totals_by_item(engine, period)
    yield f"{period} (UTC)"
    if not items:
        yield "  no costs"
        return
    for item, (count, micro_usd) in items.items():
        yield f"  {LABELS.get(item, item):<20} {count:>9,}  {dollars(micro_usd):>14}"
    yield f"  {'total':<20} {'':>9}  {dollars(sum(micro_usd for _, micro_usd in items.values())):>14}"


def render_budgets(engine: Engine, money: BudgetSettings, moment: datetime) -> str:
    """Return `today $1.2000 of $10.00, this month $7.8000 of $100.00`."""
    parts = (
        ("today", f"{moment:%Y-%m-%d}", money.daily_budget_usd),
        ("this month", f"{moment:%Y-%m}", money.monthly_budget_usd),
    )
    return ", ".join(
        f"{label} {dollars(ledger.total_spent(engine, period))}{_describe_limit(limit)}"
        for label, period, limit in parts
    )


def render_month_end(engine: Engine, moment: datetime) -> str:
    """Return `at this pace $31.2000 by the end of the month`."""
    _, month = ledger.spent_on_day_and_month(engine, f"{moment:%Y-%m-%d}")
    return f"at this pace {dollars(project_month(month, moment))} by the end of the month"


def bill_as_json(engine: Engine, period: str) -> dict[str, Any]:
    """Return the costs of a day or month as JSON: count and micro-dollars per item."""
    items = {
        item: {"count": count, "micro_usd": micro_usd}
        for item, (count, micro_usd) in ledger.totals_by_item(engine, period).items()
    }
    return {"days": period, "items": items, "micro_usd": sum(item["micro_usd"] for item in items.values())}


def render_gpu_costs(engine: Engine, moment: datetime) -> Iterator[str]:
    """Yield today's GPU costs, idle time and costs per picture; nothing if nothing was painted today."""
    items = ledger.totals_by_item(engine, f"{moment:%Y-%m-%d}")
    (calls, gpu_costs), (_, idle_costs) = items.get(GPU, (0, 0)), items.get(GPU_IDLE, (0, 0))
    if not calls:
        return
    count = _count_pictures_since(engine, moment.replace(hour=0, minute=0, second=0, microsecond=0))
    per_picture = f"; {count:,} pictures, about {dollars((gpu_costs + idle_costs) // count)} each" if count else ""
    yield f"GPU today {dollars(gpu_costs)}, idle time about {dollars(idle_costs)}{per_picture}"


def _count_pictures_since(engine: Engine, moment: datetime) -> int:
    stmt = (
        select(func.count(pictures.c.id))
        .join_from(creations, pictures, pictures.c.creation_id == creations.c.id)
        # The creation's time has an index.
        .where(creations.c.created_at >= moment - timedelta(days=2), pictures.c.created_at >= moment)
    )
    with read_connection(engine) as connection:
        return int(connection.execute(stmt).scalar_one())


def render_top_users(engine: Engine, day: str) -> Iterator[str]:
    """Yield handle and dollars of the users who cost most on a day. Users who requested nothing do not count."""
    total = func.sum(ledger_table.c.micro_usd)
    has_creation = exists().where(creations.c.person_id == ledger_table.c.person_id)
    stmt = (
        select(ledger_table.c.person_id, func.max(people.c.username), total)
        .outerjoin(people, people.c.id == ledger_table.c.person_id)
        .where(ledger_table.c.day == day, has_creation)
        .group_by(ledger_table.c.person_id)
        .order_by(total.desc(), ledger_table.c.person_id)
        .limit(MAX_USERS)
    )
    with read_connection(engine) as connection:
        rows = connection.execute(stmt).all()
    for user_id, username, micro_usd in rows:
        yield f"{'@' + username if username else user_id}  {dollars(int(micro_usd))}"


def _describe_limit(limit: float | None) -> str:
    return f" of ${limit:,.2f}" if limit is not None else " (no budget)"
