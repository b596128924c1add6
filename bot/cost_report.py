"""`threadpaint forecast`: costs and disk space of so many answered prompts a day, for 30 days."""

from collections.abc import Iterator
from typing import Any

from core.budget.forecast import DAYS_A_MONTH, USD, CostForecast
from core.settings import BudgetSettings

GIB = 1024**3
# Period of the forecast -> the setting that limits it, and its days.
BUDGETS = {"day": ("DAILY_BUDGET_USD", 1), "month": ("MONTHLY_BUDGET_USD", DAYS_A_MONTH)}


def forecast_as_json(
    costs: CostForecast, money: BudgetSettings, per_day: int, bytes_per_picture: float
) -> dict[str, Any]:
    """Return the forecast as JSON: dollars per 30 days, and how many replies each budget pays for."""
    items = {item: micro_usd / USD for item, micro_usd in costs.per_month(per_day).items()}
    budgets = {"day": (money.daily_budget_usd, 1), "month": (money.monthly_budget_usd, DAYS_A_MONTH)}
    return {
        "answers_a_day": per_day,
        "month_usd": round(sum(items.values()), 4),
        "items_usd": {item: round(usd, 4) for item, usd in items.items()},
        "measured": costs.measured,
        "disk_gib_a_month": round(per_day * DAYS_A_MONTH * bytes_per_picture / GIB, 2),
        "answers_within_budget": {
            name: None if usd is None else costs.replies_within(usd, days) for name, (usd, days) in budgets.items()
        },
    }


def render_forecast(data: dict[str, Any]) -> Iterator[str]:
    """Yield the lines for a terminal."""
    month, per_day = data["month_usd"], data["answers_a_day"]
    yield f"{per_day:,} answered prompts a day cost about ${month / DAYS_A_MONTH:,.2f} a day, ${month:,.2f} in 30 days"
    for item, usd in data["items_usd"].items():
        yield f"  {item:<32} ${usd:>10,.2f}"
    yield f"  pictures take about {data['disk_gib_a_month']:,.1f} GiB in 30 days"
    for period, answers in data["answers_within_budget"].items():
        name, days = BUDGETS[period]
        if answers is None:
            yield f"  {name} is none: nothing limits the spending"
        elif answers < per_day * days:
            yield f"  {name} pays for about {answers:,} answers only"
    yield "from the ledger of the last 30 days" if data["measured"] else "assumed: the ledger has too few replies yet"
