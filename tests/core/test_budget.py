"""Budgets slow down spending, then stop it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.budget.budget import reading_allowance, work_allowance
from core.budget.ledger import LedgerEntry, write_costs
from core.settings import BudgetSettings, load

MORNING = datetime(2026, 11, 20, 6, tzinfo=UTC)
EVENING = datetime(2026, 11, 20, 21, 36, tzinfo=UTC)


def spend(engine: Engine, micro: int, at: datetime = MORNING) -> None:
    write_costs(engine, [LedgerEntry(f"{micro} {at}", "reply", micro)], at=at)


@pytest.fixture
def money() -> BudgetSettings:
    return load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=None)


def test_80_percent_may_be_spent_at_once(engine: Engine, money: BudgetSettings) -> None:
    spend(engine, 3_000_000)
    assert work_allowance(engine, money, MORNING).micro_usd == 5_000_000


def test_the_last_fifth_is_spread_over_the_day(engine: Engine, money: BudgetSettings) -> None:
    spend(engine, 8_500_000)
    room = work_allowance(engine, money, MORNING)
    assert (room.micro_usd, room.exhausted) == (0, False)
    # 85 % of the day is over at 20:24.
    assert room.resets_in == pytest.approx(14.4 * 3600, abs=2)
    assert work_allowance(engine, money, EVENING).micro_usd == 500_000


def test_a_used_up_budget_allows_nothing_until_tomorrow(engine: Engine, money: BudgetSettings) -> None:
    spend(engine, 9_600_000)
    room = work_allowance(engine, money, MORNING)
    assert (room.micro_usd, room.exhausted, room.resets_in) == (0, True, 18 * 3600)
    assert work_allowance(engine, money, datetime(2026, 11, 21, tzinfo=UTC)).micro_usd == 8_000_000


def test_reading_may_use_the_whole_budget(engine: Engine, money: BudgetSettings) -> None:
    spend(engine, 9_600_000)
    assert reading_allowance(engine, money, MORNING).micro_usd == 400_000
    spend(engine, 400_000)
    assert reading_allowance(engine, money, MORNING).micro_usd == 0


def test_the_smaller_of_day_and_month_counts(engine: Engine) -> None:
    money = load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=20)
    spend(engine, 15_000_000, datetime(2026, 11, 3, tzinfo=UTC))
    assert work_allowance(engine, money, MORNING).micro_usd == 1_000_000


def test_without_a_budget_there_is_no_limit(engine: Engine) -> None:
    money = load(BudgetSettings, daily_budget_usd=None, monthly_budget_usd=None)
    assert work_allowance(engine, money, MORNING).micro_usd is None


def test_the_longer_wait_counts_if_day_and_month_are_used_up(engine: Engine) -> None:
    spend(engine, 9_600_000)
    room = work_allowance(engine, load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=10), MORNING)
    assert room.exhausted
    assert room.resets_in == pytest.approx(10.75 * 86400)
