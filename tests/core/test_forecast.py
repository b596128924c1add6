"""Cost forecasts, and how many replies a budget pays for."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.budget.forecast import (
    ASSUMED_BYTES,
    FILES_PER_PICTURE,
    CostForecast,
    MeasuredCosts,
    average_picture_bytes,
    forecast_costs,
    measure_costs,
    project_month,
)
from core.budget.ledger import LedgerEntry, write_costs
from core.settings import BudgetSettings, PurgeSettings, XSettings, load

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = {f"x_{name}": "k" for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")}


def costs(measured: MeasuredCosts | None = None, **money: float | None) -> CostForecast:
    settings = load(BudgetSettings, **money)
    return forecast_costs(settings, load(XSettings, **KEYS), load(PurgeSettings), measured or MeasuredCosts())


def test_fixed_costs_are_paid_before_replies() -> None:
    """A former version promised 5,937 replies for a budget that paid for about 300."""
    # Two dollars a day of idle GPU, one of look-ups, an answer of $0.017.
    measured = MeasuredCosts(reads_per_reply=1.5, gpu_per_reply=500.0, idle_per_day=2_000_000.0)
    found = costs(measured)
    assert sum(found.per_reply.values()) == 1_500 + 500 + 5_000 + 10_000
    assert found.per_day == {"looking up posts again, at most": 1_000_000, "idle GPU": 2_000_000}
    assert found.replies_within(100, 30) == int((95 - 30 - 60) / 0.017)
    assert found.replies_within(10, 1) == int((9.5 - 3) / 0.017)


def test_a_budget_below_the_fixed_costs_pays_no_reply() -> None:
    assert costs(MeasuredCosts(idle_per_day=4_000_000.0)).replies_within(100, 30) == 0


def test_a_month_adds_variable_and_fixed_costs() -> None:
    month = costs().per_month(500)
    assert month["replies"] == 500 * 30 * 10_000
    assert month["reading mentions"] == 500 * 30 * 1_500
    assert month["looking up posts again, at most"] == 30 * 1_000_000


def test_the_ledger_replaces_assumptions_once_there_are_enough_replies(engine: Engine) -> None:
    def replies(count: int, day: int) -> None:
        at = NOON.replace(day=day)
        write_costs(engine, [LedgerEntry(f"answer:{day}:{n}", "reply", 10_000) for n in range(count)], at=at)
        write_costs(engine, [LedgerEntry(f"read:{day}:{n}", "own_read", 1_000) for n in range(3 * count)], at=at)
        write_costs(engine, [LedgerEntry(f"gpu:{day}:{n}", "gpu", 700) for n in range(count)], at=at)
        write_costs(engine, [LedgerEntry(f"idle:{day}", "gpu_idle", 900_000)], at=at)

    replies(20, 18)
    few = measure_costs(engine, NOON)
    assert (few.reads_per_reply, few.gpu_per_reply, few.idle_per_day) == (None, None, 900_000)
    replies(40, 19)
    assert measure_costs(engine, NOON) == MeasuredCosts(3.0, 700.0, 900_000.0)
    assert measure_costs(engine, NOON.replace(year=2027)) == MeasuredCosts()


def test_picture_size_is_averaged(engine: Engine) -> None:
    assert average_picture_bytes(engine) == ASSUMED_BYTES * FILES_PER_PICTURE


@pytest.mark.parametrize(("day", "spent", "at_the_end"), [(1, 2_000_000, 60_000_000), (16, 31_000_000, 60_000_000)])
def test_the_month_is_extrapolated(day: int, spent: int, at_the_end: int) -> None:
    assert project_month(spent, datetime(2026, 11, day, 12, tzinfo=UTC)) == at_the_end
