"""Who is called up next: fair between people, no more than X takes, no more than the budget pays."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core.clock import now
from core.database import reading, transaction
from core.line import Line
from core.line.turns import WAITING, next_turn, present_turn
from core.models import Creation, State
from core.money.budget import room_for_work
from core.money.ledger import Cost, write_costs
from core.pace import ANSWER, Pace, Told
from core.queue import PAINT, REPLY, WorkQueue, creation_of
from core.settings import MoneySettings, PaceSettings, load
from tests.support.rows import make_creation, make_person, read_creation


@pytest.fixture
def line(engine: Engine, queue: WorkQueue) -> Line:
    pace = Pace(queue, load(PaceSettings))
    return Line(engine, queue, pace, load(MoneySettings, budget_day_usd=None, budget_month_usd=None))


def ask(engine: Engine, person_id: int, **values: object) -> int:
    """Somebody asks for a picture, and gets a place in the line."""
    with transaction(engine) as session:
        turn = next_turn(session.connection(), person_id)
    return make_creation(engine, person_id=person_id, turn=turn, with_post=False, **values)


def served(line: Line, step: str, count: int) -> list[int]:
    """The order in which creations are called up when each is done at once."""
    order: list[int] = []
    for _ in range(count):
        line.call_up(step)
        one = creation_of(line.queue.connection.lpop(f"rq:queue:{step}").decode())
        assert one is not None
        order.append(one)
        with transaction(line.engine) as session:
            row = session.get_one(Creation, one)
            row.next_attempt_at = None
            session.add(row)
    return order


def test_one_person_with_many_prompts_does_not_delay_many_with_one_each(engine: Engine, line: Line) -> None:
    greedy = make_person(engine)
    first = [ask(engine, greedy) for _ in range(60)]
    others = [ask(engine, make_person(engine)) for _ in range(10)]
    order = served(line, PAINT, 70)
    # Those who had been called up before the others came go first; then everybody has a turn.
    assert max(order.index(one) for one in others) < 25
    assert order[0] == first[0]
    assert sorted(order) == sorted(first + others)


def test_who_asks_again_after_being_served_has_no_arrears(engine: Engine, line: Line) -> None:
    greedy, other = make_person(engine), make_person(engine)
    for _ in range(20):
        ask(engine, greedy)
    served(line, PAINT, 20)
    late, later = ask(engine, other), ask(engine, greedy)
    assert served(line, PAINT, 2) == [late, later]


def test_with_one_prompt_each_it_is_first_come_first_served(engine: Engine, line: Line) -> None:
    asked = [ask(engine, make_person(engine)) for _ in range(15)]
    assert served(line, PAINT, 15) == asked


def test_no_more_answers_are_called_up_than_x_takes_now(engine: Engine, queue: WorkQueue, line: Line) -> None:
    at = now()
    line.pace.admit(ANSWER)
    line.pace.learn(ANSWER, Told(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(9):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert line.call_up(REPLY) == 3
    assert line.call_up(REPLY) == 0
    assert len(queue.waiting(REPLY)) == 3


def test_answers_that_are_being_given_are_counted(engine: Engine, line: Line) -> None:
    at = now()
    line.pace.admit(ANSWER)
    line.pace.learn(ANSWER, Told(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(2):
        make_creation(engine, state=State.REPLYING, claim="alive", next_attempt_at=now() + timedelta(seconds=60))
    for _ in range(5):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert line.call_up(REPLY) == 1


def test_who_must_look_for_its_answer_first_needs_no_leave(engine: Engine, line: Line) -> None:
    line.pace.learn(ANSWER, Told(now()), "x_no_credits")
    make_creation(engine, state=State.PAINTED)
    cut_off = make_creation(engine, state=State.REPLYING, next_attempt_at=now() - timedelta(seconds=1))
    assert line.call_up(REPLY) == 1
    assert line.queue.waiting(REPLY) == {cut_off}


def test_only_a_few_stand_in_the_queue_so_that_order_is_decided_late(engine: Engine, line: Line) -> None:
    for _ in range(40):
        ask(engine, make_person(engine))
    assert line.call_up(PAINT) == 8


def test_when_the_budget_is_spent_nobody_is_called_and_everybody_kept(engine: Engine, queue: WorkQueue) -> None:
    line = Line(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings, budget_day_usd=1))
    ask(engine, make_person(engine))
    ask(engine, make_person(engine), state=State.PAINTED)
    write_costs(engine, [Cost("a", "reply", 960_000)])
    assert (line.call_up(PAINT), line.call_up(REPLY)) == (0, 0)


def test_no_more_are_called_up_than_the_budget_pays(engine: Engine, queue: WorkQueue) -> None:
    line = Line(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings, budget_day_usd=1))
    write_costs(engine, [Cost("a", "reply", 750_000)])
    room = room_for_work(engine, line.money, now()).micro_usd or 0
    for _ in range(9):
        ask(engine, make_person(engine), state=State.PAINTED)
    # At most 50,000 before 19:12, up to 200,000 later in the day; an answer may cost 32,000.
    assert line.call_up(REPLY) == min(8, room // 32_000) > 0


def test_who_rests_before_a_look_for_its_answer_keeps_nobody_from_going(engine: Engine, line: Line) -> None:
    at = now()
    line.pace.admit(ANSWER)
    line.pace.learn(ANSWER, Told(at, 100, 3, round(at.timestamp()) + 900))
    for _ in range(5):
        make_creation(engine, state=State.REPLYING, claim=None, next_attempt_at=now() + timedelta(seconds=600))
    for _ in range(4):
        ask(engine, make_person(engine), state=State.PAINTED)
    assert line.call_up(REPLY) == 3


def test_who_rests_after_a_failed_try_does_not_hold_the_lines_time_back(engine: Engine) -> None:
    stuck = ask(engine, make_person(engine))
    with transaction(engine) as session:
        row = session.get_one(Creation, stuck)
        row.next_attempt_at, row.attempts = now() + timedelta(minutes=10), 5
    person = make_person(engine)
    first, second, third = (ask(engine, person) for _ in range(3))
    with transaction(engine) as session:
        session.get_one(Creation, first).next_attempt_at = None
    newcomer = ask(engine, make_person(engine))
    assert [read_creation(engine, one).turn for one in (second, newcomer, third)] == [2, 2, 3]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_place_in_the_line_is_given_without_looking_through_all_there_ever_was(engine: Engine) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *it: asked.append((it[2], it[3])))
    make_creation(engine, turn=5)
    asked.clear()
    with reading(engine) as connection:
        present_turn(connection)
        statement, values = asked[-1]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert [step for step in plan if "SEARCH" in step or "SCAN creation" in step] == [
        "SEARCH creation USING INDEX ix_creation_line (state=?)"
    ] * len(WAITING)
