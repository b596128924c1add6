"""How long a creation still waits: its place in line, its picture, its answer, and why it cannot go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from core import health
from core.clock import now
from core.database import reading
from core.errors import TryLater
from core.line.waiting import (
    MOST_COUNTED,
    STOPPED,
    Conditions,
    Place,
    Wait,
    about,
    estimate,
    look_around,
    place_of,
)
from core.models import State, creations
from core.money.budget import Room, room_for_work
from core.money.ledger import Cost, write_costs
from core.pace import ANSWER, STOPS, Pace, Told, Window
from core.painters import Painters
from core.queue import PAINT, REPLY, WorkQueue, open_queue
from core.settings import MoneySettings, PaceSettings, load
from tests.support.rows import make_creation, make_person

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPEN = Window(free=100, ends_in=600, calls=100, seconds=900)
USED_UP = Window(free=0, ends_in=600, calls=100, seconds=900)


def conditions(**values: Any) -> Conditions:
    filled = {"window": OPEN, "workers": 2, "painting": 3.0, "room": Room(None), "price": 17_000, "at": NOON} | values
    return Conditions(**filled)


def place(engine: Engine, creation_id: int) -> Place | None:
    with reading(engine) as connection:
        return place_of(connection, creation_id)


def test_before_it_are_those_of_an_earlier_turn_and_of_the_same_turn_those_who_came_first(engine: Engine) -> None:
    person = make_person(engine)
    made = [make_creation(engine, person_id=person, with_post=False, turn=turn) for turn in (5, 4, 5, 6, 5)]
    assert [place(engine, one).ahead for one in made] == [1, 0, 2, 4, 3]  # type: ignore[union-attr]


def test_painting_and_answering_are_two_lines(engine: Engine) -> None:
    make_creation(engine, turn=1)
    make_creation(engine, turn=1, state=State.PAINTING, claim="alive")
    make_creation(engine, turn=1, state=State.REPLYING, claim="alive")
    make_creation(engine, turn=1, state=State.REFUSED, says="no")
    make_creation(engine, turn=1, state=State.REFUSED, next_attempt_at=None)
    make_creation(engine, turn=1, state=State.REPLIED, next_attempt_at=None)
    to_paint = make_creation(engine, turn=2)
    to_answer = make_creation(engine, turn=2, state=State.PAINTED)
    assert place(engine, to_paint) == Place(PAINT, 2)
    assert place(engine, to_answer) == Place(REPLY, 2)


def test_who_is_being_served_has_nobody_before_it(engine: Engine) -> None:
    make_creation(engine, turn=1)
    lease = now() + timedelta(seconds=45)
    begun = make_creation(engine, turn=2, state=State.PAINTING, claim="alive", next_attempt_at=lease)
    assert place(engine, begun) == Place(PAINT, 0, begun=True)


def test_who_is_done_waits_for_nothing(engine: Engine) -> None:
    for state in (State.REPLIED, State.PAINTED, State.REFUSED, State.FAILED):
        assert place(engine, make_creation(engine, state=state, next_attempt_at=None)) is None
    assert place(engine, 999_999) is None


def test_who_was_tried_in_vain_waits_at_least_until_the_next_try(engine: Engine) -> None:
    tried = make_creation(engine, attempts=3, next_attempt_at=now() + timedelta(minutes=5))
    found = place(engine, tried)
    assert found is not None
    assert 290 < (estimate(found, conditions()).seconds or 0) <= 300


def test_the_place_in_line_is_read_from_the_index_of_those_who_wait(engine: Engine) -> None:
    """A million creations that are done cost nothing."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        statements.append((statement, values))

    creation_id = make_creation(engine, turn=9)
    event.listen(engine, "before_cursor_execute", note)
    place(engine, creation_id)
    event.remove(engine, "before_cursor_execute", note)
    statement, values = next(one for one in statements if "count" in one[0])
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        else:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        words = " ".join(str(row) for row in plan)
    assert "ix_creation_line" in words
    assert "SCAN creation" not in words


def test_nobody_counts_for_ever(engine: Engine) -> None:
    row = {"person_id": make_person(engine), "prompt": "", "negative_prompt": "", "count": 1, "seed": 1, "attempts": 0}
    row |= {"turn": 1, "state": "queued", "created_at": NOON, "next_attempt_at": NOON}
    with engine.begin() as connection:
        connection.execute(creations.insert(), [row] * (MOST_COUNTED + 50))
    last = make_creation(engine, turn=2)
    assert place(engine, last) == Place(PAINT, MOST_COUNTED + 1)


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 3.0), (12, 21.0)])
def test_a_picture_takes_as_long_as_those_before_it_shared_among_the_workers(ahead: int, seconds: float) -> None:
    assert estimate(Place(PAINT, ahead), conditions()) == Wait(ahead, seconds)


def test_nothing_is_under_a_second() -> None:
    assert estimate(Place(PAINT, 0), conditions(painting=0.01)).seconds == 1.0


def test_with_nothing_known_nothing_is_said() -> None:
    assert estimate(Place(PAINT, 3), conditions(painting=None)) == Wait(3, None)


def test_while_x_takes_answers_they_go_out_soon() -> None:
    assert about(estimate(Place(REPLY, 1), conditions()).seconds or 0) == "a few seconds"
    assert (estimate(Place(REPLY, 99), conditions()).seconds or 0) < 120


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 600), (99, 600), (100, 1500), (310, 600 + 3 * 900)])
def test_beyond_this_window_whole_windows_are_waited_for(ahead: int, seconds: float) -> None:
    assert estimate(Place(REPLY, ahead), conditions(window=USED_UP)) == Wait(ahead, seconds)


def test_who_is_being_answered_does_not_wait_for_the_next_window() -> None:
    assert about(estimate(Place(REPLY, 0, begun=True), conditions(window=USED_UP)).seconds or 0) == "a few seconds"


@pytest.mark.parametrize("code", sorted(STOPPED))
def test_what_x_stopped_has_a_reason_and_no_number(code: str) -> None:
    stopped = Window(0, 60, 100, 900, code)
    assert estimate(Place(REPLY, 3), conditions(window=stopped)) == Wait(3, None, STOPPED[code])
    assert estimate(Place(PAINT, 3), conditions(window=stopped)).why == "", "painting goes on"


def test_every_stop_has_words_for_the_asker_and_for_the_host() -> None:
    assert set(STOPS) == set(STOPPED)
    assert set(STOPS) <= set(health.STOPPED)


def test_the_accounts_answers_of_a_day_have_a_reason_that_says_when_the_next_may_go() -> None:
    wait = estimate(Place(REPLY, 0), conditions(window=Window(0, 3 * 3600, 100, 900, "pace_day")))
    assert wait == Wait(0, None, "X allows the bot no more answers today; the next may go in about 3 hours")


@pytest.mark.parametrize("step", [PAINT, REPLY])
def test_a_used_up_day_has_a_reason_and_says_when_it_goes_on(step: str) -> None:
    wait = estimate(Place(step, 0), conditions(room=Room(0, 12 * 3600, reached=True)))
    assert wait == Wait(0, None, "the house's budget for today is used up; it goes on at 00:00 UTC")


def test_a_used_up_month_says_its_day() -> None:
    wait = estimate(Place(PAINT, 0), conditions(room=Room(0, 10.5 * 86400, reached=True)))
    assert wait.why == "the house's budget for this month is used up; it goes on at 00:00 UTC on 1 December"


def test_what_is_left_of_the_budget_is_for_those_who_come_first() -> None:
    room = Room(3 * 17_000)
    assert estimate(Place(PAINT, 2), conditions(room=room)).seconds == 6.0
    assert estimate(Place(PAINT, 3), conditions(room=room)).why == "the house is close to its budget and goes on slowly"


def test_without_anybody_at_work_that_is_said() -> None:
    assert estimate(Place(PAINT, 1), conditions(workers=0)).why == "nobody is at work in the house"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "a few seconds"),
        (38, "about 40 seconds"),
        (89, "about 90 seconds"),
        (90, "about 2 min"),
        (12 * 60, "about 12 min"),
        (99 * 60, "about 99 min"),
        (2 * 3600, "about 2 hours"),
        (35 * 3600, "about 35 hours"),
        (50 * 3600, "about 2 days"),
    ],
)
def test_times_are_told_as_people_tell_them(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_the_conditions_are_what_the_house_knows(engine: Engine, queue: WorkQueue) -> None:
    for seconds in [50.0] + [2.0, 4.0] * 10:
        make_creation(engine, state=State.REPLIED, next_attempt_at=None, painting_seconds=seconds, shown_at=now())
    make_creation(engine, turn=1)
    pace = Pace(queue, load(PaceSettings, pace_spare=10))
    write_costs(engine, [Cost("a", "reply", 1_000_000)])
    money = load(MoneySettings, budget_day_usd=10, budget_month_usd=None)
    found = look_around(engine, queue, pace, money)
    assert found.painting == 3.0, "the last twenty, not the one before"
    assert (found.window.free, found.window.calls) == (90, 90)
    # Late in the day there is more room than the four fifths that may be used freely.
    assert (found.workers, found.room, found.price) == (0, room_for_work(engine, money, found.at), 32_000)
    assert 7_000_000 <= (found.room.micro_usd or 0) <= 8_500_000


def test_a_stop_of_x_reaches_the_estimate(engine: Engine, queue: WorkQueue) -> None:
    pace = Pace(queue, load(PaceSettings))
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    found = look_around(engine, queue, pace, load(MoneySettings))
    assert found.window.stopped == "x_no_credits"


@pytest.mark.parametrize(
    ("code", "words"),
    [("gpu_down", "the painter is away"), ("gpu_busy", "the painter has too much to do"), ("", "the painter is away")],
)
def test_a_painter_that_is_away_reaches_the_estimate_of_who_waits_for_it(
    engine: Engine, queue: WorkQueue, code: str, words: str
) -> None:
    painters, pace = Painters(queue), Pace(queue, load(PaceSettings))
    queue.connection.sadd("rq:workers", "rq:worker:one")
    assert look_around(engine, queue, pace, load(MoneySettings)).painter == ""
    painters.close(60, code)
    found = look_around(engine, queue, pace, load(MoneySettings))
    assert estimate(Place(PAINT, 3), found) == Wait(3, None, words)
    assert estimate(Place(PAINT, 0, begun=True), found).why == "", "somebody looks whether it is back"
    assert estimate(Place(REPLY, 0), found).why == ""
    painters.worked("http://one.example")
    assert look_around(engine, queue, pace, load(MoneySettings)).painter == ""


def test_without_the_queue_there_are_no_conditions(engine: Engine) -> None:
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    with pytest.raises(TryLater, match="queue_away"):
        look_around(engine, away, Pace(away, load(PaceSettings)), load(MoneySettings))


def test_a_busy_queue_is_estimated_by_what_really_left_it(engine: Engine, queue: WorkQueue) -> None:
    """The model's own seconds say nothing about uploads, other jobs and a busy machine."""
    moment, person = now(), make_person(engine)
    for n in range(10):
        shown = moment - timedelta(seconds=30 - 3 * n)
        make_creation(engine, person_id=person, with_post=False, state=State.PAINTED, shown_at=shown,
                      painting_seconds=0.1, created_at=moment - timedelta(seconds=40))  # fmt: skip
    waiting_since = moment - timedelta(seconds=31)
    late = [
        make_creation(engine, person_id=person, with_post=False, turn=n, created_at=waiting_since) for n in range(1, 41)
    ]
    money = load(MoneySettings)
    around = look_around(engine, queue, Pace(queue, load(PaceSettings)), money)
    assert around.leaving == pytest.approx(10 / 31, rel=0.2)
    waits = estimate(place(engine, late[-1]), replace(around, workers=1))  # type: ignore[arg-type]
    assert waits.ahead == 39
    assert waits.seconds == pytest.approx(40 * 3.1, rel=0.2)


def test_a_quiet_queue_and_rows_in_back_off_say_nothing_about_how_fast_it_is(engine: Engine, queue: WorkQueue) -> None:
    moment, person = now(), make_person(engine)
    for n in range(5):
        make_creation(engine, person_id=person, with_post=False, state=State.PAINTED,
                      shown_at=moment - timedelta(minutes=n), painting_seconds=0.5)  # fmt: skip
    make_creation(engine, person_id=person, with_post=False, attempts=3, created_at=moment - timedelta(minutes=4))
    around = look_around(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings))
    assert around.leaving is None
    assert estimate(Place(PAINT, 1), replace(around, workers=1)).seconds == pytest.approx(1.0)
