"""Settings of the budgets, and of prices that differ from X's list."""

import json
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from core.settings.base import Settings


class BudgetSettings(Settings):
    """Prices and budgets in dollars; `none` is no budget."""

    daily_budget_usd: float | None = Field(
        default=10.0, gt=0, description="from 80 % on slower; stops for the day at 100 %"
    )
    monthly_budget_usd: float | None = Field(default=100.0, gt=0)
    gpu_usd_per_hour: float | None = Field(
        default=None, ge=0, le=1000, description="price of the GPU machine; empty: as the GPU service reports it"
    )
    x_prices: Annotated[dict[str, float], NoDecode] = Field(
        default={}, description="dollars per item, where X changed them", examples=["alt_text=0.005, reply=0.01"]
    )

    @field_validator("x_prices", mode="before")
    @classmethod
    def _parse_prices(cls, value: object) -> object:
        """Parse `item=price` pairs or a JSON object. Process runners strip quotes, so pairs in braces work too."""
        return _parse_pairs(value) if isinstance(value, str) else value


def _parse_pairs(text: str) -> dict[str, str]:
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    pairs: dict[str, str] = {}
    for pair in text.strip().strip("{}").split(","):
        if not pair.strip():
            continue
        item, separator, price = pair.replace("=", ":", 1).partition(":")
        if not separator:
            raise ValueError(f"{pair.strip()!r} is not an item and its price")
        pairs[item.strip().strip("\"'")] = price.strip().strip("\"'")
    return pairs
