"""Money is written down once, whoever writes it and however often."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.money.ledger import Cost, bill, spent, spent_on, write_costs
from core.money.prices import price_list
from tests.support.rows import make_creation

TODAY, TOMORROW = datetime(2026, 11, 20, 23, tzinfo=UTC), datetime(2026, 11, 21, 1, tzinfo=UTC)


def test_the_same_thing_counts_once(engine: Engine) -> None:
    cost = Cost("2026-11-20 post:1", "own_read", 1000)
    assert [write_costs(engine, [cost, cost], at=TODAY), write_costs(engine, [cost], at=TODAY)] == [1000, 0]
    assert spent(engine, "2026-11-20") == 1000


def test_days_and_months_are_summed(engine: Engine) -> None:
    write_costs(engine, [Cost("a", "reply", 10_000), Cost("b", "reply", 10_000)], at=TODAY)
    write_costs(engine, [Cost("c", "alt_text", 5_000)], at=TOMORROW)
    assert [spent(engine, days) for days in ("2026-11-20", "2026-11-21", "2026-11", "2026-12")] == [
        20_000, 5_000, 25_000, 0,
    ]  # fmt: skip
    assert bill(engine, "2026-11") == {"alt_text": (1, 5_000), "reply": (2, 20_000)}


def test_a_creation_knows_what_it_cost(engine: Engine) -> None:
    creation_id = make_creation(engine)
    costs = [Cost("a", "reply", 10_000, creation_id, 7), Cost("b", "gpu", 300, creation_id, 7), Cost("c", "reply", 1)]
    write_costs(engine, costs)
    assert spent_on(engine, creation_id) == {"gpu": 300, "reply": 10_000}


def test_many_writers_at_once_lose_nothing_and_count_nothing_twice(engine: Engine) -> None:
    def write(first: int) -> None:
        for start in range(first, first + 50, 10):
            write_costs(engine, [Cost(f"post:{n}", "own_read", 1000) for n in range(start, start + 20)], at=TODAY)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent(engine, "2026-11-20") == 90 * 1000


def test_a_host_may_name_other_prices_but_no_unknown_ones() -> None:
    assert price_list({"alt_text": 0.007})["alt_text"] == 7_000
    with pytest.raises(ValueError, match="PRICES: tea is not sold"):
        price_list({"tea": 1})
