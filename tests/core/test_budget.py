"""A budget slows down, then stops."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.money.budget import room_for_reading, room_for_work
from core.money.ledger import Cost, write_costs
from core.settings import MoneySettings, load

MORNING = datetime(2026, 11, 20, 6, tzinfo=UTC)
EVENING = datetime(2026, 11, 20, 21, 36, tzinfo=UTC)


def spend(engine: Engine, micro: int, at: datetime = MORNING) -> None:
    write_costs(engine, [Cost(f"{micro} {at}", "reply", micro)], at=at)


@pytest.fixture
def money() -> MoneySettings:
    return load(MoneySettings, budget_day_usd=10, budget_month_usd=None)


def test_up_to_four_fifths_it_is_spent_freely(engine: Engine, money: MoneySettings) -> None:
    spend(engine, 3_000_000)
    assert room_for_work(engine, money, MORNING).micro_usd == 5_000_000


def test_the_last_fifth_is_spread_over_the_rest_of_the_day(engine: Engine, money: MoneySettings) -> None:
    spend(engine, 8_500_000)
    room = room_for_work(engine, money, MORNING)
    assert (room.micro_usd, room.reached) == (0, False)
    # 85 % of the day is over at 20:24.
    assert room.opens_in == pytest.approx(14.4 * 3600, abs=2)
    assert room_for_work(engine, money, EVENING).micro_usd == 500_000


def test_then_nothing_goes_until_tomorrow(engine: Engine, money: MoneySettings) -> None:
    spend(engine, 9_600_000)
    room = room_for_work(engine, money, MORNING)
    assert (room.micro_usd, room.reached, room.opens_in) == (0, True, 18 * 3600)
    assert room_for_work(engine, money, datetime(2026, 11, 21, tzinfo=UTC)).micro_usd == 8_000_000


def test_reading_goes_on_to_the_very_end(engine: Engine, money: MoneySettings) -> None:
    spend(engine, 9_600_000)
    assert room_for_reading(engine, money, MORNING).micro_usd == 400_000
    spend(engine, 400_000)
    assert room_for_reading(engine, money, MORNING).micro_usd == 0


def test_the_tighter_of_day_and_month_counts(engine: Engine) -> None:
    money = load(MoneySettings, budget_day_usd=10, budget_month_usd=20)
    spend(engine, 15_000_000, datetime(2026, 11, 3, tzinfo=UTC))
    assert room_for_work(engine, money, MORNING).micro_usd == 1_000_000


def test_without_a_budget_there_is_no_end(engine: Engine) -> None:
    money = load(MoneySettings, budget_day_usd=None, budget_month_usd=None)
    assert room_for_work(engine, money, MORNING).micro_usd is None


def test_where_day_and_month_are_used_up_the_longer_wait_counts(engine: Engine) -> None:
    spend(engine, 9_600_000)
    room = room_for_work(engine, load(MoneySettings, budget_day_usd=10, budget_month_usd=10), MORNING)
    assert (room.reached, room.opens_in) == (True, pytest.approx(10.75 * 86400))
