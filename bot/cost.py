"""`python -m bot cost`: what so many answered prompts a day cost in a month, in dollars and in disk space."""

from collections.abc import Iterator
from typing import Any

from core.money.forecast import DAYS_A_MONTH, USD, Costs
from core.settings import MoneySettings

GIB = 1024**3


def as_data(costs: Costs, money: MoneySettings, per_day: int, bytes_each: float) -> dict[str, Any]:
    """The forecast as JSON shows it. Dollars per 30 days; `answers` is what the budgets pay for."""
    items = {item: micro / USD for item, micro in costs.of_month(per_day).items()}
    budgets = {"day": (money.budget_day_usd, 1), "month": (money.budget_month_usd, DAYS_A_MONTH)}
    return {
        "answers_a_day": per_day,
        "month_usd": round(sum(items.values()), 4),
        "items_usd": {item: round(usd, 4) for item, usd in items.items()},
        "measured": costs.measured,
        "disk_gib_a_month": round(per_day * DAYS_A_MONTH * bytes_each / GIB, 2),
        "answers_within_budget": {
            name: None if usd is None else costs.answers_within(usd, days) for name, (usd, days) in budgets.items()
        },
    }


def lines(data: dict[str, Any]) -> Iterator[str]:
    """The same for a terminal."""
    month, per_day = data["month_usd"], data["answers_a_day"]
    yield f"{per_day:,} answered prompts a day cost about ${month / DAYS_A_MONTH:,.2f} a day, ${month:,.2f} in 30 days"
    for item, usd in data["items_usd"].items():
        yield f"  {item:<32} ${usd:>10,.2f}"
    yield f"  pictures take about {data['disk_gib_a_month']:,.1f} GiB in 30 days"
    for name, answers in data["answers_within_budget"].items():
        if answers is None:
            yield f"  BUDGET_{name.upper()}_USD is none: nothing stops the spending"
        elif answers < per_day * (1 if name == "day" else DAYS_A_MONTH):
            yield f"  BUDGET_{name.upper()}_USD pays for about {answers:,} answers only"
    yield "from the ledger of the last 30 days" if data["measured"] else "assumed: the ledger has too few replies yet"
