"""Dispatching: fair between users, within X's rate limit and the budget."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core.budget.budget import work_allowance
from core.budget.ledger import LedgerEntry, write_costs
from core.clock import now
from core.database import read_connection, write_session
from core.models import Creation, State
from core.queue import PAINT, REPLY, WorkQueue, creation_id_of
from core.scheduling import Dispatcher
from core.scheduling.fair_queue import WAITING_STATES, current_rank, next_rank
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x.rate_limit import CREATE_POST, RateLimitHeaders, XRateLimiter
from tests.support.query_plans import analyze, explained_statements
from tests.support.rows import make_creation, make_creations, make_person, read_creation


@pytest.fixture
def dispatcher(engine: Engine, queue: WorkQueue) -> Dispatcher:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    return Dispatcher(engine, queue, rate_limiter, load(BudgetSettings, daily_budget_usd=None, monthly_budget_usd=None))


def ask(engine: Engine, person_id: int, **values: Any) -> int:
    """Add a creation with the next rank of its user. Return its id."""
    with write_session(engine) as session:
        rank = next_rank(session.connection(), person_id)
    return make_creation(engine, person_id=person_id, queue_rank=rank, with_post=False, **values)


def dispatch_all(dispatcher: Dispatcher, step: str, count: int) -> list[int]:
    """Dispatch and finish creations one by one. Return their order."""
    order: list[int] = []
    for _ in range(count):
        dispatcher.dispatch(step)
        job_id = dispatcher.queue.connection.lpop(f"rq:queue:{step}")
        assert isinstance(job_id, bytes)
        creation_id = creation_id_of(job_id.decode())
        assert creation_id is not None
        order.append(creation_id)
        with write_session(dispatcher.engine) as session:
            row = session.get_one(Creation, creation_id)
            row.next_attempt_at = None
            session.add(row)
    return order


def test_processes_that_dispatch_at_once_enqueue_each_creation_once(engine: Engine, dispatcher: Dispatcher) -> None:
    dispatcher.queue.connection.sadd("rq:workers", *(f"rq:worker:{number}" for number in range(20)))
    make_creations(engine, 200)
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: dispatcher.dispatch(PAINT), range(8)))
    names = dispatcher.queue.connection.lrange("rq:queue:paint", 0, -1)
    assert len(names) == sum(counts) == len(dispatcher.queue.queued_ids(PAINT)) == 2 * 20 + 4


def test_one_user_with_many_prompts_does_not_delay_others(engine: Engine, dispatcher: Dispatcher) -> None:
    greedy = make_person(engine)
    first = [ask(engine, greedy) for _ in range(60)]
    others = [ask(engine, make_person(engine)) for _ in range(10)]
    order = dispatch_all(dispatcher, PAINT, 70)
    # First the creations that were dispatched before the others came, then one of each user in turn.
    assert max(order.index(creation_id) for creation_id in others) < 25
    assert order[0] == first[0]
    assert sorted(order) == sorted(first + others)


def test_earlier_creations_do_not_lower_the_rank_of_later_ones(engine: Engine, dispatcher: Dispatcher) -> None:
    greedy, other = make_person(engine), make_person(engine)
    for _ in range(20):
        ask(engine, greedy)
    dispatch_all(dispatcher, PAINT, 20)
    late, later = ask(engine, other), ask(engine, greedy)
    assert dispatch_all(dispatcher, PAINT, 2) == [late, later]


def test_single_prompts_are_first_come_first_served(engine: Engine, dispatcher: Dispatcher) -> None:
    asked = [ask(engine, make_person(engine)) for _ in range(15)]
    assert dispatch_all(dispatcher, PAINT, 15) == asked


def test_replies_are_limited_by_the_rate_limit_of_x(engine: Engine, queue: WorkQueue, dispatcher: Dispatcher) -> None:
    at = now()
    dispatcher.rate_limiter.acquire(CREATE_POST)
    dispatcher.rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(9):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert dispatcher.dispatch(REPLY) == 3
    assert dispatcher.dispatch(REPLY) == 0
    assert len(queue.queued_ids(REPLY)) == 3


def test_replies_under_way_count_towards_the_limit(engine: Engine, dispatcher: Dispatcher) -> None:
    at = now()
    dispatcher.rate_limiter.acquire(CREATE_POST)
    dispatcher.rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(2):
        make_creation(engine, state=State.REPLYING, lease_token="alive", next_attempt_at=now() + timedelta(seconds=60))
    for _ in range(5):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert dispatcher.dispatch(REPLY) == 1


def test_a_creation_in_replying_bypasses_the_limits(engine: Engine, dispatcher: Dispatcher) -> None:
    dispatcher.rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    make_creation(engine, state=State.PAINTED)
    cut_off = make_creation(engine, state=State.REPLYING, next_attempt_at=now() - timedelta(seconds=1))
    assert dispatcher.dispatch(REPLY) == 1
    assert dispatcher.queue.queued_ids(REPLY) == {cut_off}


def test_only_a_few_creations_are_queued_at_once(engine: Engine, dispatcher: Dispatcher) -> None:
    for _ in range(40):
        ask(engine, make_person(engine))
    assert dispatcher.dispatch(PAINT) == 8


def test_a_used_up_budget_dispatches_nothing(engine: Engine, queue: WorkQueue) -> None:
    dispatcher = Dispatcher(
        engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings, daily_budget_usd=1)
    )
    ask(engine, make_person(engine))
    ask(engine, make_person(engine), state=State.PAINTED)
    write_costs(engine, [LedgerEntry("a", "reply", 960_000)])
    assert (dispatcher.dispatch(PAINT), dispatcher.dispatch(REPLY)) == (0, 0)


def test_dispatch_is_limited_by_the_budget(engine: Engine, queue: WorkQueue) -> None:
    dispatcher = Dispatcher(
        engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings, daily_budget_usd=1)
    )
    write_costs(engine, [LedgerEntry("a", "reply", 750_000)])
    allowance_usd = work_allowance(engine, dispatcher.money, now()).micro_usd or 0
    for _ in range(9):
        ask(engine, make_person(engine), state=State.PAINTED)
    # At most 50,000 before 19:12, up to 200,000 later in the day; a reply may cost 32,000.
    assert dispatcher.dispatch(REPLY) == min(8, allowance_usd // 32_000) > 0


def test_a_reply_in_backoff_does_not_count_as_under_way(engine: Engine, dispatcher: Dispatcher) -> None:
    at = now()
    dispatcher.rate_limiter.acquire(CREATE_POST)
    dispatcher.rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(5):
        make_creation(engine, state=State.REPLYING, lease_token=None, next_attempt_at=now() + timedelta(seconds=600))
    for _ in range(4):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert dispatcher.dispatch(REPLY) == 3


def test_a_creation_in_backoff_does_not_hold_back_the_current_rank(engine: Engine) -> None:
    stuck = ask(engine, make_person(engine))
    with write_session(engine) as session:
        row = session.get_one(Creation, stuck)
        row.next_attempt_at, row.attempts = now() + timedelta(minutes=10), 5
    person = make_person(engine)
    first, second, third = (ask(engine, person) for _ in range(3))
    with write_session(engine) as session:
        session.get_one(Creation, first).next_attempt_at = None
    newcomer = ask(engine, make_person(engine))
    assert [read_creation(engine, creation_id).queue_rank for creation_id in (second, newcomer, third)] == [2, 2, 3]


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("step", [REPLY, PAINT])
def test_dispatch_reads_only_the_first_in_the_queue(
    engine: Engine, dispatcher: Dispatcher, step: str, analyzed: bool
) -> None:
    make_creations(engine, 3000, state=State.QUEUED if step == PAINT else State.PAINTED)
    analyze(engine, on_sqlite=analyzed)
    with explained_statements(engine) as plans:
        dispatched = dispatcher.dispatch(step)
    assert dispatched > 0
    in_order = [plan for plan in plans if "queue_rank" in plan.statement and "LIMIT" in plan.statement]
    assert in_order
    for plan in in_order:
        assert "TEMP B-TREE" not in plan.steps, plan
        assert "Seq Scan" not in plan.steps, plan


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_current_rank_is_read_from_an_index(engine: Engine) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *it: asked.append((it[2], it[3])))
    make_creation(engine, queue_rank=5)
    asked.clear()
    with read_connection(engine) as connection:
        current_rank(connection)
        statement, values = asked[-1]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert [step for step in plan if "SEARCH" in step or "SCAN creation" in step] == [
        "SEARCH creation USING INDEX ix_creation_queue (state=?)"
    ] * len(WAITING_STATES)
