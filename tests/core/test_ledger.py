"""Each cost is recorded once, also if several processes write it."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.budget.ledger import LedgerEntry, cost_of_creation, total_spent, totals_by_item, write_costs
from core.budget.prices import price_list
from tests.support.rows import make_creation

TODAY, TOMORROW = datetime(2026, 11, 20, 23, tzinfo=UTC), datetime(2026, 11, 21, 1, tzinfo=UTC)


def test_the_same_key_counts_once(engine: Engine) -> None:
    cost = LedgerEntry("2026-11-20 post:1", "own_read", 1000)
    assert [write_costs(engine, [cost, cost], at=TODAY), write_costs(engine, [cost], at=TODAY)] == [1000, 0]
    assert total_spent(engine, "2026-11-20") == 1000


def test_days_and_months_are_summed(engine: Engine) -> None:
    write_costs(engine, [LedgerEntry("a", "reply", 10_000), LedgerEntry("b", "reply", 10_000)], at=TODAY)
    write_costs(engine, [LedgerEntry("c", "alt_text", 5_000)], at=TOMORROW)
    assert [total_spent(engine, days) for days in ("2026-11-20", "2026-11-21", "2026-11", "2026-12")] == [
        20_000, 5_000, 25_000, 0,
    ]  # fmt: skip
    assert totals_by_item(engine, "2026-11") == {"alt_text": (1, 5_000), "reply": (2, 20_000)}


def test_costs_of_a_creation_are_summed_by_item(engine: Engine) -> None:
    creation_id = make_creation(engine)
    costs = [
        LedgerEntry("a", "reply", 10_000, creation_id, 7),
        LedgerEntry("b", "gpu", 300, creation_id, 7),
        LedgerEntry("c", "reply", 1),
    ]
    write_costs(engine, costs)
    assert cost_of_creation(engine, creation_id) == {"gpu": 300, "reply": 10_000}


def test_concurrent_writers_count_each_cost_once(engine: Engine) -> None:
    def write(first: int) -> None:
        for start in range(first, first + 50, 10):
            write_costs(
                engine, [LedgerEntry(f"post:{n}", "own_read", 1000) for n in range(start, start + 20)], at=TODAY
            )

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total_spent(engine, "2026-11-20") == 90 * 1000


def test_operators_may_override_known_prices_only() -> None:
    assert price_list({"alt_text": 0.007})["alt_text"] == 7_000
    with pytest.raises(ValueError, match="X_PRICES: unknown item 'tea'"):
        price_list({"tea": 1})
