"""What the host sees from the command line."""

import json
import os
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.errors import HouseError
from core.lease import Lease
from core.models import State
from core.money import bill
from core.money.ledger import Cost, write_costs
from core.pace import ANSWER, UPLOAD, Pace, Told
from core.pace.toll import TollGate
from core.painters import Painters
from core.polling import LEASE, note_look
from core.queue import WorkQueue, open_queue
from core.settings import MoneySettings, PaceSettings, load
from core.status import hurry, report, send_again
from core.status_data import status_data
from tests.support.rows import make_creation, make_person, read_creation

MONEY = load(MoneySettings, budget_day_usd=10, budget_month_usd=None)


@pytest.fixture
def pace(queue: WorkQueue) -> Pace:
    return Pace(queue, load(PaceSettings))


def test_an_empty_house_says_so(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    told = list(report(engine, queue, pace, MONEY))
    assert told[0] == "no creations yet"
    for line in ("pictures: none waits", "answers: none waits", "workers: 0"):
        assert line in told
    assert any(line.startswith("spent today $0.0000 of $10.00, this month $0.0000 (no budget); at") for line in told)


def test_it_counts_who_waits_and_says_when_the_last_of_them_is_served(
    engine: Engine, queue: WorkQueue, pace: Pace
) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, Told(now(), 2, 0, round(now().timestamp()) + 720))
    queue.connection.sadd("rq:workers", "rq:worker:one")
    for _ in range(2):
        make_creation(engine, state=State.PAINTED)
    told = list(report(engine, queue, pace, MONEY))
    assert told[0] == "painted: 2"
    assert "answers: 2 wait, the last one about 12 min" in told
    assert "X takes 0 of 2 answers now; the window ends in about 12 min" in told


def test_it_names_what_x_stopped_and_why_nothing_goes(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    queue.connection.sadd("rq:workers", "rq:worker:one")
    make_creation(engine, state=State.PAINTED)
    told = list(report(engine, queue, pace, MONEY))
    assert "answers: 1 wait: X asks the host for money" in told
    assert any(line.startswith("X: no credits for answers since") for line in told)


def test_it_names_painters_that_rest_since_when_and_why(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    painters = Painters(queue)
    painters.failed("http://key@one.example", code="gpu_unauthorized", detail="GPU_TOKEN is not the service's token")
    painters.close(5, "gpu_unauthorized")
    make_creation(engine)
    queue.connection.sadd("rq:workers", "rq:worker:one")
    told = list(report(engine, queue, pace, MONEY))
    assert "pictures: 1 wait: the painter is away" in told
    since = f"since {now().day} {now():%b}"
    assert any(line.startswith(f"painter: away {since}") and line.endswith("1 creation waits") for line in told)
    (one,) = [line for line in told if line.startswith("painter http://one.example: gpu_unauthorized: GPU_TOKEN")]
    assert one.endswith("tried again in a few seconds")


def test_what_the_host_mended_is_tried_at_once_with_all_that_wait_for_it(engine: Engine, queue: WorkQueue) -> None:
    painters = Painters(queue)
    painters.failed("http://one.example", code="gpu_down", detail="connection refused", after=3000)
    waiting = make_creation(engine, next_attempt_at=now() + timedelta(minutes=5))
    answered = make_creation(engine, state=State.PAINTED, next_attempt_at=now() + timedelta(minutes=5))
    assert hurry(engine, painters) == "1 that waited are tried at once"
    assert painters.may_call("http://one.example") == 0
    due = [read_creation(engine, one).next_attempt_at for one in (waiting, answered)]
    assert due[0] is not None
    assert due[1] is not None
    assert due[0] <= now() < due[1]
    assert hurry(engine, Painters(open_queue("unix:///nowhere/queue.sock?db=0"))).startswith("painters rest on: queue")


def test_painting_and_idle_time_stand_beside_each_other(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    assert not [line for line in report(engine, queue, pace, MONEY) if line.startswith("painting today")]
    write_costs(engine, [Cost("a", "gpu", 600), Cost("b", "gpu", 1_000), Cost("c", "gpu_idle", 3_200)])
    make_creation(engine, state=State.PAINTED, pictures=4)
    told = list(report(engine, queue, pace, MONEY))
    assert "painting today $0.0016, the painter's idle time about $0.0032; 4 pictures hang, about $0.0012 each" in told
    (idle,) = {line for line in bill.lines(engine, f"{now():%Y-%m-%d}") if "idle" in line}
    assert idle.split() == ["gpu", "idle", "(estimate)", "1", "$0.0032"]


def test_it_shows_the_bill_and_who_costs_most(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    costs = [Cost("house", "reply", 5_000_000)]
    for number in range(7):
        person = make_person(engine, username=f"p{number}")
        make_creation(engine, person_id=person, with_post=False, state=State.REPLIED, next_attempt_at=None)
        costs.append(Cost(f"{number}", "alt_text", 5_000 * (number + 1), person_id=person))
    # Our own account, read again after a crash: it asked for nothing, so it is nobody's cost.
    write_costs(engine, [*costs, Cost("own", "own_read", 10_000, person_id=77)])
    told = list(report(engine, queue, pace, MONEY))
    assert any(line.startswith("spent today $5.1500 of $10.00, this month $5.1500 (no budget);") for line in told)
    people = next(line for line in told if line.startswith("most expensive"))
    assert people == (
        "most expensive people today: @p6  $0.0350, @p5  $0.0300, @p4  $0.0250, @p3  $0.0200, @p2  $0.0150"
    )


def test_who_asked_for_nothing_is_not_among_the_most_expensive(engine: Engine) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    write_costs(engine, [Cost("unknown", "user_read", 10_000, person_id=77)], at=at)
    assert list(bill.most_expensive(engine, "2026-11-20")) == []


def test_programs_read_the_same_as_json(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    make_creation(engine, state=State.FAILED, code="gpu_down", last_error="gpu_down: no answer", next_attempt_at=None)
    make_creation(engine)
    write_costs(engine, [Cost("a", "reply", 10_000)])
    read = json.loads(json.dumps(status_data(engine, queue, pace, MONEY)))
    assert read["creations"] == {"failed": 1, "queued": 1}
    assert read["waiting"] == {"paint": 1, "reply": 0}
    assert read["spent_micro_usd"]["today"] == 10_000
    assert read["health"]["status"] == "degraded"
    assert [(one["code"], one["state"]) for one in read["troubles"]] == [("gpu_down", "failed")]


def test_only_what_has_failed_is_sent_again(engine: Engine) -> None:
    failed = make_creation(engine, state=State.FAILED, code="gpu_down", next_attempt_at=None)
    replied = make_creation(engine, state=State.REPLIED, next_attempt_at=None)
    with pytest.raises(HouseError, match="there is no creation 999999"):
        send_again(engine, [failed, 999999])
    with pytest.raises(HouseError, match=f"creation {replied} has not failed: it is replied"):
        send_again(engine, [failed, replied])
    assert read_creation(engine, failed).state == State.FAILED
    assert send_again(engine, [failed]) == 1


def test_the_latest_troubles_are_told_with_their_reason(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    make_creation(engine, state=State.FAILED, code="gpu_down", last_error="gpu_down: no answer", next_attempt_at=None)
    told = list(report(engine, queue, pace, MONEY))
    assert "latest troubles" in told
    assert told[-1].endswith("gpu_down: no answer – The painter could not be reached. Ask again later.")


def test_without_the_queue_the_rest_is_told(engine: Engine) -> None:
    make_creation(engine)
    away = open_queue("unix:///nowhere/queue.sock?db=0")
    told = list(report(engine, away, Pace(away, load(PaceSettings)), MONEY))
    assert "pictures: 1 wait" in told
    assert any(line.startswith("queue: no answer") for line in told)
    assert any(line.startswith("spent today") for line in told)


def test_a_bill_is_per_item_of_a_day_or_a_month(engine: Engine) -> None:
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    write_costs(
        engine, [Cost("a", "reply", 10_000), Cost("b", "reply", 10_000), Cost("c", "alt_text", 5_000)], at=first
    )
    write_costs(engine, [Cost("d", "reply", 10_000)], at=first + timedelta(days=1))
    write_costs(engine, [Cost("e", "reply", 10_000)], at=first + timedelta(days=30))
    assert [line.split() for line in bill.lines(engine, "2026-11-20")] == [
        ["2026-11-20", "(UTC)"],
        ["alt_text", "1", "$0.0050"],
        ["reply", "2", "$0.0200"],
        ["total", "$0.0250"],
    ]
    assert [line.split() for line in bill.lines(engine, "2026-11")][-1] == ["total", "$0.0350"]
    assert list(bill.lines(engine, "2025-01"))[1].strip() == "nothing was paid"


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-00", "2026-11-20", "november", "%", "2026-1", "٢٠٢٦-١١"])
def test_a_month_that_does_not_exist_is_told_with_an_example(text: str) -> None:
    with pytest.raises(HouseError, match="write it like 2026-11"):
        bill.read_days(text, example="2026-11")


@pytest.mark.parametrize("text", ["2026-11-31", "20261120", "2026-W47-5", "2025-02-29"])
def test_a_day_that_does_not_exist_is_told_with_an_example(text: str) -> None:
    with pytest.raises(HouseError, match="write it like 2026-11-20"):
        bill.read_days(text, example="2026-11-20")


def test_the_poller_has_a_line_with_its_last_look_its_success_and_why_it_fails(
    engine: Engine, queue: WorkQueue, pace: Pace
) -> None:
    def line() -> str:
        return next(each for each in report(engine, queue, pace, MONEY) if each.startswith("poller:"))

    assert line() == "poller: has not looked at X yet; no poller runs now"
    note_look(engine)
    lease = Lease(engine, LEASE)
    lease.acquire()
    assert re.fullmatch(
        rf"poller: last look \d s ago; process {os.getpid()} on \S+ since \d+ \w+ \d\d:\d\d UTC", line()
    )
    for _ in range(2):
        note_look(engine, code="x_down", error="x_down: X answered 503")
    assert re.search(r"; fails since \d+ \w+ \d\d:\d\d UTC: x_down: X answered 503; last success \d+ s ago; ", line())
    note_look(engine)
    assert "fails" not in line()


def test_writing_to_x_has_a_line_per_kind_with_what_is_answered(engine: Engine, queue: WorkQueue, pace: Pace) -> None:
    def lines() -> list[str]:
        return [
            each for each in report(engine, queue, pace, MONEY) if each.startswith(("answers: l", "answers: f", "up"))
        ]

    gate = TollGate(pace, engine, MONEY)
    assert lines() == []
    gate.noted(ANSWER)
    gate.noted(UPLOAD)
    assert [re.sub(r"\d+", "N", line) for line in lines()] == [
        "answers: last success N s ago", "uploads: last success N s ago",
    ]  # fmt: skip
    for _ in range(3):
        gate.noted(ANSWER, "x_down", "x_down: X answered 503")
    failing, _uploads = lines()
    pattern = r"answers: fail since \d+ \w+ \d\d:\d\d UTC, 3 times \(x_down: X answered 503\); last success \d+ s ago"
    assert re.fullmatch(pattern, failing)
    gate.noted(ANSWER)
    assert "fail" not in lines()[0]
