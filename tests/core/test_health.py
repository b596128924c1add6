"""How the house is: what is wrong stands in `problems`, in words, and without a sum of money."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rq import Worker
from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction
from core.health import HEARING, STOPPED, Health, OnX, look, painter_for_host
from core.instance import require_storage
from core.line import waiting
from core.models import Creation, Cursor, State, poller_states
from core.money.ledger import Cost, write_costs
from core.pace import ANSWER, STOPS, Pace, Told
from core.pace.toll import TollGate
from core.painters import Away, Painters
from core.polling import note_look
from core.queue import QUEUES, WorkQueue, open_queue
from core.settings import MoneySettings, PaceSettings, load
from core.status import report
from core.storage import FolderStorage
from tests.support.rows import make_creation

MONEY = load(MoneySettings, budget_day_usd=10, budget_month_usd=100)


@pytest.fixture
def pace(queue: WorkQueue) -> Pace:
    return Pace(queue, load(PaceSettings))


@pytest.fixture
def well(engine: Engine, queue: WorkQueue) -> None:
    """The poller has just looked, and a worker lives."""
    polled(engine, "mentions", seconds_ago=2)
    Worker(QUEUES, connection=queue.connection).register_birth()


def polled(engine: Engine, name: str, seconds_ago: float) -> None:
    with transaction(engine) as session:
        session.add(Cursor(name=name, since_id=1, floor_id=1, polled_at=now() - timedelta(seconds=seconds_ago)))


@pytest.mark.usefixtures("well")
def test_a_well_house_is_ok(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    make_creation(engine)
    found = look(engine, queue, pace, MONEY)
    assert (found.status, found.problems, found.workers, found.states) == ("ok", [], 1, {"queued": 1})
    assert found.x == OnX(free=100, calls=100, window_ends_in=900.0, stopped="")
    json.dumps(found.as_dict())


@pytest.mark.usefixtures("well")
def test_x_without_credits_is_told_with_the_hour(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    began = now()
    pace.learn(ANSWER, Told(now()), "x_no_credits")  # still so, when it is probed
    found = look(engine, queue, pace, MONEY)
    hours = [f"{one.day} {one:%b %H:%M} UTC" for one in (began, began - timedelta(seconds=5))]
    told = [f"X: no credits for answers since {hour}, tried again every few minutes" for hour in hours]
    assert found.status == "degraded"
    assert found.problems[0] in told
    assert found.x is not None
    assert (found.x.free, found.x.stopped) == (0, "x_no_credits")


@pytest.mark.usefixtures("well")
def test_hearing_that_x_stopped_is_told_by_itself(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    pace.learn(HEARING, Told(now()), "x_unauthorized")
    found = look(engine, queue, pace, MONEY)
    assert found.problems[0].startswith("X: the keys are not accepted for hearing since")
    assert found.x is not None
    assert found.x.stopped == ""


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    ("code", "why", "hint"),
    [
        ("x_account_locked", "the account is locked", "log in on x.com to unlock it"),
        ("x_account_suspended", "the account is suspended", "appeal on x.com"),
        ("x_app_restricted", "the app is restricted", "see the developer console"),
        ("x_looks_automated", "the account looks automated to it", "see the account's inbox on x.com"),
        ("x_no_access", "the app has no access", "see the app's plan in the developer console"),
    ],
)
def test_what_x_has_against_us_is_an_alarm_with_what_to_do(
    engine: Engine, queue: WorkQueue, pace: Pace, code: str, why: str, hint: str
) -> None:
    pace.learn(ANSWER, Told(now()), code)
    (alarm,) = look(engine, queue, pace, MONEY).problems
    assert alarm.startswith(f"X: {why} for answers since")
    assert alarm.endswith(f"; {hint}")
    assert alarm in list(report(engine, queue, pace, MONEY))


@pytest.mark.usefixtures("well")
def test_every_kind_of_call_that_x_has_suspended_is_an_alarm(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    for call in (ANSWER, HEARING, "POST /2/media/metadata", "DELETE /2/tweets/:id", "GET /2/tweets/search/recent"):
        pace.learn(call, Told(now()), "x_no_access")
    alarms = " ".join(look(engine, queue, pace, MONEY).problems)
    for what in ("answers", "hearing", "alt texts", "deleting answers", "search"):
        assert f" for {what} since " in alarms


def test_every_reason_for_a_suspension_has_words_for_operator_and_asker() -> None:
    assert set(STOPPED) >= STOPS
    assert set(waiting.STOPPED) >= STOPS


@pytest.mark.usefixtures("well")
def test_a_day_on_which_all_answers_are_given_is_told(engine: Engine, queue: WorkQueue) -> None:
    pace = Pace(queue, load(PaceSettings, x_replies_per_day=1))
    pace.admit(ANSWER)
    assert look(engine, queue, pace, MONEY).problems == ["X: all answers of a day are given"]


@pytest.mark.usefixtures("well")
def test_a_used_up_budget_is_told_without_a_sum(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    write_costs(engine, [Cost("a", "reply", 9_876_543)])
    found = look(engine, queue, pace, MONEY)
    assert found.problems[0].startswith("budget: the house's budget for today is used up")
    assert "9.8" not in json.dumps(found.as_dict())


@pytest.mark.usefixtures("well")
def test_a_painter_that_is_away_is_told_with_the_hour_and_how_many_wait(
    engine: Engine, queue: WorkQueue, pace: Pace
) -> None:
    Painters(queue).failed("http://secret.example", code="gpu_down", detail="connection refused")
    Painters(queue).close(60, "gpu_down")
    assert look(engine, queue, pace, MONEY).problems == [], "nobody waits for it"
    for _ in range(2):
        make_creation(engine)
    since = Painters(queue).away()
    assert since is not None
    found = look(engine, queue, pace, MONEY)
    assert found.status == "degraded"
    assert found.problems == [f"painter: away since {since.since.day} {since.since:%b %H:%M} UTC, 2 creations wait"]
    assert "secret.example" not in json.dumps(found.as_dict()), "anybody may read it"
    Painters(queue).worked("http://secret.example")
    assert look(engine, queue, pace, MONEY).status == "ok"


def test_a_painter_that_is_busy_for_a_moment_is_no_problem() -> None:
    busy = Away("gpu_busy", now() - timedelta(seconds=30), 3.0)
    assert painter_for_host(busy, 5, now()) == ""
    assert painter_for_host(busy, 1, now() + timedelta(minutes=5)).endswith(", 1 creation waits")


@pytest.mark.usefixtures("well")
def test_answers_that_wait_longer_than_an_hour_are_counted(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    long_ago = now() - timedelta(minutes=61)
    for _ in range(2):
        make_creation(engine, state=State.PAINTED, painted_at=long_ago)
    make_creation(engine, state=State.REFUSED, says="no", created_at=long_ago)
    make_creation(engine, state=State.PAINTED, painted_at=now(), created_at=long_ago)
    make_creation(engine, state=State.PAINTED, painted_at=long_ago, next_attempt_at=None)
    assert look(engine, queue, pace, MONEY).problems == ["answers: 3 wait longer than an hour"]


def test_the_latest_look_of_the_poller_counts_whatever_it_looked_at(
    engine: Engine, queue: WorkQueue, pace: Pace
) -> None:
    polled(engine, "mentions", seconds_ago=3)
    polled(engine, "search", seconds_ago=4000)
    found = look(engine, queue, pace, MONEY)
    assert found.problems == ["workers: none"]
    assert 3 <= (found.polled_seconds_ago or 0) < 10


@pytest.mark.parametrize("poll_seconds", [30, 600])
def test_a_poller_is_late_when_it_rests_longer_than_it_may(
    engine: Engine, queue: WorkQueue, pace: Pace, poll_seconds: float
) -> None:
    polled(engine, "mentions", seconds_ago=300)
    found = look(engine, queue, pace, MONEY, poll_seconds=poll_seconds)
    assert ("poller: has not looked at X lately" in found.problems) == (poll_seconds == 30)


def test_without_the_queue_the_rest_is_told(engine: Engine) -> None:
    make_creation(engine)
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    found = look(engine, away, Pace(away, load(PaceSettings)), MONEY)
    assert "queue: no answer" in found.problems
    assert (found.x, found.states) == (None, {"queued": 1})


def test_without_the_database_the_rest_is_told(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    Creation.metadata.drop_all(engine)
    found = look(engine, queue, pace, MONEY)
    assert found.problems[0].startswith("database: ")
    assert isinstance(found, Health)
    assert found.x is not None


@pytest.mark.usefixtures("well")
def test_answers_that_fail_for_a_minute_are_told_long_before_they_are_late(
    engine: Engine, queue: WorkQueue, pace: Pace
) -> None:
    gate = TollGate(pace, engine, MONEY)
    gate.noted(ANSWER, "x_down", "x_down: X answered 503: secret words")
    assert look(engine, queue, pace, MONEY).problems == []
    queue.connection.hset(f"x:call:{ANSWER}", "since", (now() - timedelta(seconds=70)).timestamp())
    [told] = look(engine, queue, pace, MONEY).problems
    assert re.fullmatch(r"answers fail since \d+ \w+ \d\d:\d\d UTC: X answers with errors", told)
    gate.noted(ANSWER)
    assert look(engine, queue, pace, MONEY).problems == []


@pytest.mark.usefixtures("well")
def test_a_poller_that_fails_for_a_minute_is_told_with_the_reason(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    note_look(engine, code="x_rate_limit", error="x_rate_limit: words of X")
    assert look(engine, queue, pace, MONEY).problems == []
    with transaction(engine) as session:
        session.execute(update(poller_states).values(failing_since=now() - timedelta(seconds=70)))
    [told] = look(engine, queue, pace, MONEY).problems
    assert re.fullmatch(r"poller: fails since \d+ \w+ \d\d:\d\d UTC: X allows no more calls for now", told)
    note_look(engine)
    assert look(engine, queue, pace, MONEY).problems == []


@pytest.mark.usefixtures("well")
def test_a_folder_that_is_not_the_workers_is_told_without_its_path(
    engine: Engine, queue: WorkQueue, pace: Pace, tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path / "other")
    found = look(engine, queue, pace, MONEY, storage=storage)
    assert found.problems == []
    assert found.instance == require_storage(engine, tmp_path / "pictures")
    assert look(engine, queue, pace, MONEY, storage=FolderStorage(tmp_path / "pictures")).problems == []
    [told] = look(engine, queue, pace, MONEY, storage=storage).problems
    assert told == "storage: the folder is not the one of this instance"
