"""Money: prices, where they differ from X's list, and the budgets."""

from pydantic import Field

from core.settings.base import Settings


class MoneySettings(Settings):
    """What things cost and what may be spent. Dollars; `none` is no budget."""

    budget_day_usd: float | None = Field(default=10.0, gt=0, description="from 80 % slower, then stop for the day")
    budget_month_usd: float | None = Field(default=100.0, gt=0)
    gpu_usd_per_hour: float | None = Field(
        default=None, ge=0, le=1000, description="what the painter's machine costs; empty: what the painter tells"
    )
    prices: dict[str, float] = Field(
        default={}, description="dollars per item, where X changed them", examples=['{"alt_text": 0.005}']
    )
