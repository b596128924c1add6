"""Budgets per day and month: up to 80 % may be spent at once, the rest only as time passes, and then spending stops.

Generating and replying stop at 95 %, so that reading mentions and posting text replies remain possible.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from core.budget.ledger import spent_on_day_and_month
from core.settings import BudgetSettings


@dataclass(frozen=True)
class SpendPolicy:
    """How a budget may be spent.

    Attributes:
        uncapped_share: up to this share at any speed; beyond it no faster than time passes.
        max_share: spending stops at this share.
    """

    uncapped_share: float
    max_share: float


WORK = SpendPolicy(uncapped_share=0.80, max_share=0.95)
READING = SpendPolicy(uncapped_share=1.0, max_share=1.0)


@dataclass(frozen=True)
class Period:
    """A day or a month: the share of it that has passed (0 to 1), and its length in seconds."""

    elapsed: float
    seconds: float


@dataclass(frozen=True)
class Allowance:
    """What may be spent now.

    Attributes:
        micro_usd: micro-dollars; None if there is no budget.
        resets_in: seconds until more may be spent.
        exhausted: whether the budget is used up for the day or month.
    """

    micro_usd: int | None
    resets_in: float = 0.0
    exhausted: bool = False


def work_allowance(engine: Engine, settings: BudgetSettings, moment: datetime) -> Allowance:
    """Return what may be spent on pictures and replies now."""
    return _smallest_allowance(engine, settings, moment, WORK)


def reading_allowance(engine: Engine, settings: BudgetSettings, moment: datetime) -> Allowance:
    """Return what may be spent on reading now: all that is left, at any speed."""
    return _smallest_allowance(engine, settings, moment, READING)


def _smallest_allowance(engine: Engine, settings: BudgetSettings, moment: datetime, policy: SpendPolicy) -> Allowance:
    if settings.daily_budget_usd is None and settings.monthly_budget_usd is None:
        return Allowance(None)
    on_day, in_month = spent_on_day_and_month(engine, f"{moment:%Y-%m-%d}")
    allowances = [
        _allowance(limit * 1_000_000, spent, period, policy)
        for limit, spent, period in (
            (settings.daily_budget_usd, on_day, _day(moment)),
            (settings.monthly_budget_usd, in_month, _month(moment)),
        )
        if limit is not None
    ]
    # If both are zero, the one that resets later counts.
    return min(allowances, key=lambda allowance: (allowance.micro_usd or 0, -allowance.resets_in))


def _allowance(budget: float, spent: int, period: Period, policy: SpendPolicy) -> Allowance:
    allowed = budget * min(policy.max_share, max(policy.uncapped_share, period.elapsed))
    rest = (1 - period.elapsed) * period.seconds
    if spent >= budget * policy.max_share:
        return Allowance(0, rest, exhausted=True)
    if spent < allowed:
        return Allowance(int(allowed - spent))
    return Allowance(0, min(rest, (spent / budget - period.elapsed) * period.seconds + 1))


def _day(moment: datetime) -> Period:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Period((moment - midnight) / timedelta(days=1), 86400.0)


def _month(moment: datetime) -> Period:
    days = calendar.monthrange(moment.year, moment.month)[1]
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period((moment - first) / timedelta(days=days), days * 86400.0)
