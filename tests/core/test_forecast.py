"""What so many answers a day cost, and how many a budget pays for."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.money.forecast import (
    ASSUMED_BYTES,
    FILES_PER_PICTURE,
    Measured,
    bytes_per_picture,
    forecast_costs,
    measure,
    month_at_this_pace,
)
from core.money.ledger import Cost, write_costs
from core.settings import KeepSettings, MoneySettings, XSettings, load

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = {f"x_{name}": "k" for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")}


def costs(measured: Measured | None = None, **money: float | None):
    settings = load(MoneySettings, **money)
    return forecast_costs(settings, load(XSettings, **KEYS), load(KeepSettings), measured or Measured())


def test_looking_up_again_and_idle_time_are_paid_before_any_answer() -> None:
    """Found in the field: 5,937 answers were promised where about 300 were paid for."""
    # Two dollars a day of idle GPU, one of look-ups, an answer of $0.017.
    measured = Measured(reads_per_answer=1.5, gpu_per_answer=500.0, idle_per_day=2_000_000.0)
    found = costs(measured)
    assert sum(found.per_answer.values()) == 1_500 + 500 + 5_000 + 10_000
    assert found.per_day == {"looking up posts again, at most": 1_000_000, "idle GPU": 2_000_000}
    assert found.answers_within(100, 30) == int((95 - 30 - 60) / 0.017)
    assert found.answers_within(10, 1) == int((9.5 - 3) / 0.017)


def test_a_budget_below_the_fixed_costs_pays_for_no_answer() -> None:
    assert costs(Measured(idle_per_day=4_000_000.0)).answers_within(100, 30) == 0


def test_a_month_adds_up_what_grows_and_what_does_not() -> None:
    month = costs().of_month(500)
    assert month["replies"] == 500 * 30 * 10_000
    assert month["reading mentions"] == 500 * 30 * 1_500
    assert month["looking up posts again, at most"] == 30 * 1_000_000


def test_the_ledger_replaces_assumptions_once_there_are_enough_replies(engine: Engine) -> None:
    def replies(count: int, day: int) -> None:
        at = NOON.replace(day=day)
        write_costs(engine, [Cost(f"answer:{day}:{n}", "reply", 10_000) for n in range(count)], at=at)
        write_costs(engine, [Cost(f"read:{day}:{n}", "own_read", 1_000) for n in range(3 * count)], at=at)
        write_costs(engine, [Cost(f"gpu:{day}:{n}", "gpu", 700) for n in range(count)], at=at)
        write_costs(engine, [Cost(f"idle:{day}", "gpu_idle", 900_000)], at=at)

    replies(20, 18)
    few = measure(engine, NOON)
    assert (few.reads_per_answer, few.gpu_per_answer, few.idle_per_day) == (None, None, 900_000)
    replies(40, 19)
    assert measure(engine, NOON) == Measured(3.0, 700.0, 900_000.0)
    assert measure(engine, NOON.replace(year=2027)) == Measured()


def test_the_disk_is_estimated_by_the_pictures_that_there_are(engine: Engine) -> None:
    assert bytes_per_picture(engine) == ASSUMED_BYTES * FILES_PER_PICTURE


@pytest.mark.parametrize(("day", "spent", "at_the_end"), [(1, 2_000_000, 60_000_000), (16, 31_000_000, 60_000_000)])
def test_the_end_of_the_month_follows_from_its_beginning(day: int, spent: int, at_the_end: int) -> None:
    assert month_at_this_pace(spent, datetime(2026, 11, day, 12, tzinfo=UTC)) == at_the_end
