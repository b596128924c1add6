"""Money: prices, where they differ from X's list, and the budgets."""

import json
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from core.settings.base import Settings


class MoneySettings(Settings):
    """What things cost and what may be spent. Dollars; `none` is no budget."""

    budget_day_usd: float | None = Field(default=10.0, gt=0, description="from 80 % slower, then stop for the day")
    budget_month_usd: float | None = Field(default=100.0, gt=0)
    gpu_usd_per_hour: float | None = Field(
        default=None, ge=0, le=1000, description="what the painter's machine costs; empty: what the painter tells"
    )
    prices: Annotated[dict[str, float], NoDecode] = Field(
        default={}, description="dollars per item, where X changed them", examples=["alt_text=0.005, reply=0.01"]
    )

    @field_validator("prices", mode="before")
    @classmethod
    def _readable_in_both_spellings(cls, value: object) -> object:
        """`item=price` pairs, or a JSON object. Process runners strip quotes, so pairs in braces are read too."""
        return _read_pairs(value) if isinstance(value, str) else value


def _read_pairs(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    pairs: dict[str, str] = {}
    for pair in text.strip().strip("{}").split(","):
        if not pair.strip():
            continue
        item, separator, price = pair.replace("=", ":", 1).partition(":")
        if not separator:
            raise ValueError(f"{pair.strip()!r} is not an item and its price")
        pairs[item.strip().strip("\"'")] = price.strip().strip("\"'")
    return pairs
