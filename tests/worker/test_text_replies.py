"""Whoever gets no picture gets words, once: refused or failed while it was painted, or a long wait."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core.clock import now
from core.database import reading, transaction
from core.errors import GiveUp, Refused
from core.forgetting import opt_out, take_back
from core.line import Line
from core.line.waiting import Conditions
from core.models import Creation, State, creations
from core.money.budget import Room
from core.money.ledger import Cost, write_costs
from core.pace import Window
from core.settings import MoneySettings, RuleSettings, WorkSettings, load
from core.status import send_again
from core.storage import FolderStorage
from tests.support.painter import BadPainter
from tests.support.rows import make_creation, make_due, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, lost_answer, lost_call
from tests.support.servers import serving
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep
from worker.replying import ReplyStep
from worker.sweeps import Sweep
from worker.text_replies import TextReplies
from worker.wait_notices import WaitNotices

NO = json.dumps({"errors": [{"field": "prompt", "reason": "nobody can paint this"}]}).encode()
FREE = Window(free=100, ends_in=900.0, calls=100, seconds=900.0)
QUIET = Conditions(window=FREE, workers=3, painting=60.0, room=Room(None), price=32_000, at=now())


class Instance:
    """A worker beside a GPU service that refuses all prompts, and posts of the sandbox that ask."""

    def __init__(self, engine: Engine, x: SandboxX, gpu_url: str, storage: FolderStorage, line: Line) -> None:
        self.engine, self.x, self.line = engine, x, line
        work = load(WorkSettings, lease_seconds=2, x_timeout_seconds=0.5, retry_seconds=5, settle_seconds=0)
        self.rules, self.money = load(RuleSettings), load(MoneySettings)
        gpu = GpuClient((gpu_url,), token="secret")
        self.paint = PaintStep(engine, gpu, x.client(), storage, line, work, self.money, Manners(), rules=self.rules)
        self.reply = ReplyStep(engine, x.client(), storage, line, work, Manners())

    @property
    def texts(self) -> TextReplies:
        return TextReplies(self.engine, self.rules, self.money)

    def ask(self, author: str = "ada", **values: Any) -> int:
        """Somebody asks on X; returns the creation's id."""
        post_id = self.x.post("@threadpaint a red fox", author)
        known = values.pop("person_id", None) or make_person(self.engine, username=author)
        make_post(self.engine, id=post_id, author_id=known)
        creation_id = make_creation(self.engine, person_id=known, with_post=False, **values)
        with transaction(self.engine) as session:
            session.get_one(Creation, creation_id).post_id = post_id
        return creation_id

    def work(self) -> None:
        """Paint and reply whatever waits, once each."""
        make_due(self.engine)
        for row in self.rows(State.QUEUED):
            _work(self.paint, row.id)
        make_due(self.engine)
        for row in self.rows(State.REFUSED, State.REPLYING, State.PAINTED):
            _work(replace(self.reply), row.id)

    def rows(self, *states: State) -> list[Any]:
        waiting = (creations.c.state.in_([state.value for state in states]), creations.c.next_attempt_at.is_not(None))
        with reading(self.engine) as connection:
            return list(connection.execute(select(creations).where(*waiting).order_by(creations.c.id)))

    def replies(self, creation_id: int) -> list[str]:
        return [post["text"] for post in self.x.replies(read_creation(self.engine, creation_id).post_id or 0)]

    def end(self, creation_id: int, error: Refused | GiveUp) -> Creation:
        claim = self.paint.claim(creation_id)
        assert claim is not None
        self.paint.end(claim, error)
        return read_creation(self.engine, creation_id)


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """A GPU service that takes no prompt."""
    with serving(BadPainter(422, NO, well=True)) as url:
        yield url


@pytest.fixture
def instance(engine: Engine, x: SandboxX, refusing: str, storage: FolderStorage, line: Line) -> Instance:
    return Instance(engine, x, refusing, storage, line)


# -- refused while it was painted


@pytest.mark.parametrize("fault", [None, lost_answer, lost_call])
def test_what_the_gpu_service_refuses_is_told_once_whatever_breaks(instance: Instance, fault: Any) -> None:
    creation_id = instance.ask()
    if fault:
        instance.x.spoil("POST", "/2/tweets", fault)
    for _ in range(4):
        instance.work()
    row = read_creation(instance.engine, creation_id)
    assert (row.state, row.code, row.reply_outcome) == (State.REFUSED, "unpaintable", "answered")
    assert row.says == f"I couldn't paint that prompt. Try other words. (No. {creation_id})"
    [text] = instance.replies(creation_id)
    assert text.endswith(row.says)
    assert instance.x.state()["duplicates"] == 0


@pytest.mark.parametrize("code", ["no_start_picture", "start_too_large", "start_too_slow", "flagged", "gpu_refused"])
def test_every_refusal_while_painting_is_told(instance: Instance, code: str) -> None:
    row = instance.end(instance.ask(), Refused(code))
    assert row.says is not None
    assert (row.state, row.attempts) == (State.REFUSED, 0)
    assert row.next_attempt_at is not None


@pytest.mark.parametrize("code", ["deleted", "opted_out", "banned", "post_gone"])
def test_who_took_it_back_or_is_not_to_be_answered_hears_nothing(instance: Instance, code: str) -> None:
    row = instance.end(instance.ask(), Refused(code))
    assert (row.says, row.next_attempt_at) == (None, None)


def test_the_same_reason_is_told_a_person_once_a_day(instance: Instance) -> None:
    ada = make_person(instance.engine, username="ada")
    first, second = instance.ask(person_id=ada), instance.ask(person_id=ada)
    other = instance.ask("bea")
    assert instance.end(first, Refused("flagged")).says is not None
    assert instance.end(second, Refused("flagged")).says is None
    assert instance.end(other, Refused("flagged")).says is not None


def test_the_operator_and_the_budget_may_forbid_words(instance: Instance) -> None:
    instance.paint = replace(instance.paint, rules=load(RuleSettings, tell_on_x="all -flagged"))
    assert instance.end(instance.ask(), Refused("flagged")).says is None
    instance.paint = replace(instance.paint, rules=instance.rules)
    write_costs(instance.engine, [Cost("a", "reply", 9_900_000)])
    assert instance.end(instance.ask(), Refused("flagged")).says is None


def test_who_says_stop_before_it_is_told_hears_nothing(instance: Instance) -> None:
    creation_id = instance.ask()
    row = instance.end(creation_id, Refused("flagged"))
    with transaction(instance.engine) as session:
        opt_out(session, row.person_id)
    instance.work()
    assert instance.replies(creation_id) == []


def test_what_was_asked_for_in_the_gallery_is_not_told_on_x(instance: Instance) -> None:
    creation_id = make_creation(instance.engine, with_post=False)
    assert instance.end(creation_id, Refused("flagged")).says is None


# -- failed after all its attempts


def test_a_final_failure_is_told_once_and_can_still_be_retried(instance: Instance) -> None:
    creation_id = instance.ask()
    row = instance.end(creation_id, GiveUp("gpu_failed"))
    assert (row.state, row.says) == (State.FAILED, None)
    for _ in range(2):
        instance.work()
    [text] = instance.replies(creation_id)
    assert "Sorry, I couldn't paint that" in text
    assert send_again(instance.engine) == 1
    row = instance.end(creation_id, GiveUp("gpu_failed"))
    instance.work()
    assert (row.state, len(instance.replies(creation_id))) == (State.FAILED, 1)


def test_a_painting_that_kills_every_job_is_told(instance: Instance) -> None:
    creation_id = instance.ask(state=State.PAINTING, claim="dead", attempts=8, next_attempt_at=now())
    Sweep(instance.engine, instance.line, load(WorkSettings), instance.texts).run()
    instance.work()
    assert read_creation(instance.engine, creation_id).state == State.FAILED
    assert len(instance.replies(creation_id)) == 1


def test_a_failure_that_was_mended_meanwhile_is_not_told(instance: Instance) -> None:
    creation_id = instance.ask()
    instance.end(creation_id, GiveUp("gpu_failed"))
    send_again(instance.engine)
    make_due(instance.engine)
    [notice] = instance.rows(State.REFUSED)
    _work(replace(instance.reply), notice.id)
    assert read_creation(instance.engine, notice.id).reply_outcome == "not_needed"
    assert instance.replies(creation_id) == []


# -- a long wait


@pytest.fixture
def notices(instance: Instance) -> WaitNotices:
    return WaitNotices(instance.line, instance.texts)


def crowd(instance: Instance, count: int, **values: Any) -> list[int]:
    """So many people wait, each with one creation, in turn."""
    return [instance.ask(f"p{n}", turn=n, **values) for n in range(1, count + 1)]


def announce(notices: WaitNotices, **values: Any) -> int:
    return notices.announce(notices._candidates(), replace(QUIET, **values))


def told(instance: Instance) -> list[str]:
    with reading(instance.engine) as connection:
        said = select(creations.c.says).where(creations.c.code == "wait").order_by(creations.c.turn)
        return [str(text).partition(" (No.")[0] for text in connection.execute(said).scalars()]


def test_who_waits_longer_than_the_threshold_is_told_how_long_once(instance: Instance, notices: WaitNotices) -> None:
    # One a minute, three at a time: the 14th and later wait for more than five.
    ids = crowd(instance, 17)
    assert [announce(notices), announce(notices)] == [4, 0]
    words = "Your picture will take about {} min. It will be posted here."
    assert told(instance) == [words.format(minutes) for minutes in (6, 6, 6, 7)]
    with transaction(instance.engine) as session:
        session.execute(creations.update().where(creations.c.id != ids[-1]).values(next_attempt_at=None))
        session.execute(creations.update().where(creations.c.code == "wait").values(next_attempt_at=now()))
    for row in instance.rows(State.REFUSED):
        _work(replace(instance.reply), row.id)
    assert len(instance.replies(ids[-1])) == 1
    assert read_creation(instance.engine, ids[-1]).state == State.QUEUED, "it goes on to be painted"


def test_nobody_is_told_twice_a_day(instance: Instance, notices: WaitNotices) -> None:
    crowd(instance, 13)
    ada = make_person(instance.engine, username="ada")
    for turn in (14, 15):
        instance.ask(person_id=ada, turn=turn)
    assert [announce(notices), announce(notices)] == [1, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 7),
        ({"window": replace(FREE, free=60)}, 7),
        ({"window": replace(FREE, free=53)}, 3),  # half of the window is left to pictures
        ({"window": replace(FREE, free=20)}, 0),
        ({"window": replace(FREE, calls=40, free=40)}, 4),  # a tenth of it goes into notices
        ({"window": replace(FREE, free=0)}, 0),
        ({"window": replace(FREE, stopped="pace_day")}, 0),
        ({"room": Room(10_000)}, 0),
        ({"room": Room(0, reached=True)}, 0),
        ({"painting": None}, 0),
        ({"painting": 10.0}, 0),
        ({"workers": 0}, 0),
    ],
)
def test_notices_take_only_what_pictures_do_not_need(
    instance: Instance, notices: WaitNotices, values: dict[str, Any], expected: int
) -> None:
    crowd(instance, 20)
    assert announce(notices, **values) == expected


def test_replies_that_wait_come_before_notices(instance: Instance, notices: WaitNotices) -> None:
    crowd(instance, 20)
    for _ in range(45):
        make_creation(instance.engine, state=State.PAINTED)
    assert announce(notices) == 5


def test_a_service_that_is_away_is_told_without_a_number(instance: Instance, notices: WaitNotices) -> None:
    lately, long_ago = now() - timedelta(minutes=1), now() - timedelta(minutes=6)
    instance.ask("ada", turn=1, created_at=long_ago)
    instance.ask("bea", turn=2, created_at=lately)
    assert announce(notices, painter="the painter is away") == 1
    assert told(instance) == ["Your picture takes longer than usual. It will be posted here."]


def test_what_was_painted_meanwhile_needs_no_notice(instance: Instance, notices: WaitNotices) -> None:
    ids = crowd(instance, 14)
    assert announce(notices) == 1
    with transaction(instance.engine) as session:
        session.get_one(Creation, ids[-1]).state = State.PAINTED
        session.get_one(Creation, ids[-1]).next_attempt_at = None
    make_due(instance.engine)
    [notice] = instance.rows(State.REFUSED)
    _work(replace(instance.reply), notice.id)
    assert (read_creation(instance.engine, notice.id).reply_outcome, instance.replies(ids[-1])) == ("not_needed", [])


@pytest.mark.parametrize("rules", [{"wait_notice_minutes": 0}, {"tell_on_x": "all -wait"}, {"wait_notice_minutes": 30}])
def test_the_operator_may_forbid_notices(instance: Instance, rules: dict[str, Any]) -> None:
    crowd(instance, 14)
    texts = replace(instance.texts, rules=load(RuleSettings, **rules))
    assert WaitNotices(instance.line, texts).run() == 0
    assert told(instance) == []


def test_a_notice_goes_with_the_creation_that_it_is_about(instance: Instance, notices: WaitNotices) -> None:
    ids = crowd(instance, 14)
    announce(notices)
    [notice] = instance.rows(State.REFUSED)
    with transaction(instance.engine) as session:
        assert take_back(session, [ids[-1]], "deleted") == 1
    assert read_creation(instance.engine, notice.id).deleted_at is not None
