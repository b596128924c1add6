"""A user without a picture gets one text reply: for a refusal, a failure, or a long wait."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core.budget.budget import Allowance
from core.budget.ledger import LedgerEntry, write_costs
from core.cli.status import requeue_failed
from core.clock import now
from core.database import read_connection, write_session
from core.deletion import opt_out, soft_delete_creations
from core.errors import GiveUp, Refused
from core.models import Creation, State, creations
from core.scheduling import Dispatcher
from core.scheduling.eta import Capacity
from core.settings import BudgetSettings, JobSettings, UsagePolicySettings, load
from core.storage import FolderStorage
from core.x.rate_limit import RateWindow
from tests.support.gpu_service import FixedService
from tests.support.rows import make_creation, make_due, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, lost_call, lost_response
from tests.support.servers import on_shared_server
from worker.gpu.client import GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.recovery import RecoveryLoop
from worker.reply_policy import ReplyPolicy
from worker.replying import ReplyStep
from worker.text_replies import TextReplies
from worker.wait_notices import WaitNotices

NO = json.dumps({"errors": [{"field": "prompt", "reason": "nobody can paint this"}]}).encode()
FREE = RateWindow(remaining=100, resets_in=900.0, limit=100, seconds=900.0)
QUIET = Capacity(
    window=FREE, workers=3, painting_seconds=60.0, allowance=Allowance(None), reserve_price=32_000, at=now()
)


class Instance:
    """A worker with a GPU service that rejects all prompts, and posts on the sandbox."""

    def __init__(
        self, engine: Engine, x: SandboxX, gpu_url: str, storage: FolderStorage, dispatcher: Dispatcher
    ) -> None:
        self.engine, self.x, self.dispatcher = engine, x, dispatcher
        work = load(JobSettings, lease_seconds=8, x_timeout_seconds=2, retry_seconds=5, reply_lookup_delay_seconds=0)
        self.rules, self.money = load(UsagePolicySettings), load(BudgetSettings)
        gpu = GpuClient((gpu_url,), token="secret")
        self.paint = PaintStep(
            engine, gpu, x.client(), storage, dispatcher, work, self.money, ReplyPolicy(), rules=self.rules
        )
        self.reply = ReplyStep(engine, x.client(), storage, dispatcher, work, ReplyPolicy())

    @property
    def texts(self) -> TextReplies:
        return TextReplies(self.engine, self.rules, self.money)

    def ask(self, author: str = "ada", **values: Any) -> int:
        """Post a request on X. Returns the creation's id."""
        post_id = self.x.post("@threadpaint a red fox", author)
        known = values.pop("person_id", None) or make_person(self.engine, username=author)
        make_post(self.engine, id=post_id, author_id=known)
        creation_id = make_creation(self.engine, person_id=known, with_post=False, **values)
        with write_session(self.engine) as session:
            session.get_one(Creation, creation_id).post_id = post_id
        return creation_id

    def work(self) -> None:
        """Run the waiting paint and reply jobs once."""
        make_due(self.engine)
        for row in self.rows(State.QUEUED):
            run_step(self.paint, row.id)
        make_due(self.engine)
        for row in self.rows(State.REFUSED, State.REPLYING, State.PAINTED):
            run_step(replace(self.reply), row.id)

    def rows(self, *states: State) -> list[Any]:
        waiting = (creations.c.state.in_([state.value for state in states]), creations.c.next_attempt_at.is_not(None))
        with read_connection(self.engine) as connection:
            return list(connection.execute(select(creations).where(*waiting).order_by(creations.c.id)))

    def replies(self, creation_id: int) -> list[str]:
        return [post["text"] for post in self.x.replies(read_creation(self.engine, creation_id).post_id or 0)]

    def end(self, creation_id: int, error: Refused | GiveUp) -> Creation:
        lease = self.paint.acquire(creation_id)
        assert lease is not None
        self.paint.fail(lease, error)
        return read_creation(self.engine, creation_id)


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """Yield the address of a GPU service that rejects all prompts."""
    with on_shared_server(FixedService(422, NO, healthy=True)) as url:
        yield url


@pytest.fixture
def instance(engine: Engine, x: SandboxX, refusing: str, storage: FolderStorage, dispatcher: Dispatcher) -> Instance:
    return Instance(engine, x, refusing, storage, dispatcher)


# -- refused


@pytest.mark.parametrize("fault", [None, lost_response, lost_call])
def test_a_rejection_of_the_gpu_service_is_explained_once(instance: Instance, fault: Any) -> None:
    creation_id = instance.ask()
    if fault:
        instance.x.spoil("POST", "/2/tweets", fault)
    for _ in range(4):
        instance.work()
    row = read_creation(instance.engine, creation_id)
    assert (row.state, row.reason_code, row.reply_status) == (State.REFUSED, "unpaintable", "answered")
    assert row.reply_text == f"I couldn't paint that prompt. Try other words. (No. {creation_id})"
    [text] = instance.replies(creation_id)
    assert text.endswith(row.reply_text)
    assert instance.x.state()["duplicates"] == 0


@pytest.mark.parametrize("code", ["no_start_picture", "start_too_large", "start_too_slow", "flagged", "gpu_refused"])
def test_every_refusal_while_painting_is_explained(instance: Instance, code: str) -> None:
    row = instance.end(instance.ask(), Refused(code))
    assert row.reply_text is not None
    assert (row.state, row.attempts) == (State.REFUSED, 0)
    assert row.next_attempt_at is not None


@pytest.mark.parametrize("code", ["deleted", "opted_out", "banned", "post_gone"])
def test_deleted_or_unanswerable_creations_get_no_text_reply(instance: Instance, code: str) -> None:
    row = instance.end(instance.ask(), Refused(code))
    assert (row.reply_text, row.next_attempt_at) == (None, None)


def test_a_user_gets_the_same_reason_once_a_day(instance: Instance) -> None:
    ada = make_person(instance.engine, username="ada")
    first, second = instance.ask(person_id=ada), instance.ask(person_id=ada)
    other = instance.ask("bea")
    assert instance.end(first, Refused("flagged")).reply_text is not None
    assert instance.end(second, Refused("flagged")).reply_text is None
    assert instance.end(other, Refused("flagged")).reply_text is not None


def test_the_operator_and_the_budget_can_stop_text_replies(instance: Instance) -> None:
    instance.paint = replace(instance.paint, rules=load(UsagePolicySettings, reply_with_text_for="all -flagged"))
    assert instance.end(instance.ask(), Refused("flagged")).reply_text is None
    instance.paint = replace(instance.paint, rules=instance.rules)
    write_costs(instance.engine, [LedgerEntry("a", "reply", 9_900_000)])
    assert instance.end(instance.ask(), Refused("flagged")).reply_text is None


def test_a_user_who_says_stop_gets_no_text_reply(instance: Instance) -> None:
    creation_id = instance.ask()
    row = instance.end(creation_id, Refused("flagged"))
    with write_session(instance.engine) as session:
        opt_out(session, row.person_id)
    instance.work()
    assert instance.replies(creation_id) == []


def test_gallery_creations_get_no_text_reply_on_x(instance: Instance) -> None:
    creation_id = make_creation(instance.engine, with_post=False)
    assert instance.end(creation_id, Refused("flagged")).reply_text is None


# -- failed after the last attempt


def test_a_final_failure_is_explained_once_and_can_be_retried(instance: Instance) -> None:
    creation_id = instance.ask()
    row = instance.end(creation_id, GiveUp("gpu_failed"))
    assert (row.state, row.reply_text) == (State.FAILED, None)
    for _ in range(2):
        instance.work()
    [text] = instance.replies(creation_id)
    assert "Sorry, I couldn't paint that" in text
    assert requeue_failed(instance.engine) == 1
    row = instance.end(creation_id, GiveUp("gpu_failed"))
    instance.work()
    assert (row.state, len(instance.replies(creation_id))) == (State.FAILED, 1)


def test_an_exhausted_creation_is_explained(instance: Instance) -> None:
    creation_id = instance.ask(state=State.PAINTING, lease_token="dead", attempts=8, next_attempt_at=now())
    RecoveryLoop(instance.engine, instance.dispatcher, load(JobSettings), instance.texts).run_once()
    instance.work()
    assert read_creation(instance.engine, creation_id).state == State.FAILED
    assert len(instance.replies(creation_id)) == 1


def test_a_failure_retried_meanwhile_is_not_explained(instance: Instance) -> None:
    creation_id = instance.ask()
    instance.end(creation_id, GiveUp("gpu_failed"))
    requeue_failed(instance.engine)
    make_due(instance.engine)
    [notice] = instance.rows(State.REFUSED)
    run_step(replace(instance.reply), notice.id)
    assert read_creation(instance.engine, notice.id).reply_status == "not_needed"
    assert instance.replies(creation_id) == []


# -- a long wait


@pytest.fixture
def notices(instance: Instance) -> WaitNotices:
    return WaitNotices(instance.dispatcher, instance.texts)


def crowd(instance: Instance, count: int, **values: Any) -> list[int]:
    """Queue a creation for each of so many users."""
    return [instance.ask(f"p{n}", queue_rank=n, **values) for n in range(1, count + 1)]


def announce(notices: WaitNotices, **values: Any) -> int:
    return notices.announce(notices._load_candidates(), replace(QUIET, **values))


def sent_texts(instance: Instance) -> list[str]:
    with read_connection(instance.engine) as connection:
        said = select(creations.c.reply_text).where(creations.c.reason_code == "wait").order_by(creations.c.queue_rank)
        return [str(text).partition(" (No.")[0] for text in connection.execute(said).scalars()]


def test_a_long_wait_is_announced_once(instance: Instance, notices: WaitNotices) -> None:
    # One per minute, three at a time: from the 14th on they wait for more than five minutes.
    ids = crowd(instance, 17)
    assert [announce(notices), announce(notices)] == [4, 0]
    words = "Your picture will take about {} min. It will be posted here."
    assert sent_texts(instance) == [words.format(minutes) for minutes in (6, 6, 6, 7)]
    with write_session(instance.engine) as session:
        session.execute(creations.update().where(creations.c.id != ids[-1]).values(next_attempt_at=None))
        session.execute(creations.update().where(creations.c.reason_code == "wait").values(next_attempt_at=now()))
    for row in instance.rows(State.REFUSED):
        run_step(replace(instance.reply), row.id)
    assert len(instance.replies(ids[-1])) == 1
    assert read_creation(instance.engine, ids[-1]).state == State.QUEUED, "it goes on to be painted"


def test_a_user_gets_one_wait_notice_a_day(instance: Instance, notices: WaitNotices) -> None:
    crowd(instance, 13)
    ada = make_person(instance.engine, username="ada")
    for turn in (14, 15):
        instance.ask(person_id=ada, queue_rank=turn)
    assert [announce(notices), announce(notices)] == [1, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 7),
        ({"window": replace(FREE, remaining=60)}, 7),
        ({"window": replace(FREE, remaining=53)}, 3),  # half of the window is reserved for pictures
        ({"window": replace(FREE, remaining=20)}, 0),
        ({"window": replace(FREE, limit=40, remaining=40)}, 4),  # at most a tenth goes into notices
        ({"window": replace(FREE, remaining=0)}, 0),
        ({"window": replace(FREE, blocked_reason="daily_reply_cap")}, 0),
        ({"allowance": Allowance(10_000)}, 0),
        ({"allowance": Allowance(0, exhausted=True)}, 0),
        ({"painting_seconds": None}, 0),
        ({"painting_seconds": 10.0}, 0),
        ({"workers": 0}, 0),
    ],
)
def test_wait_notices_use_only_spare_rate_limit(
    instance: Instance, notices: WaitNotices, values: dict[str, Any], expected: int
) -> None:
    crowd(instance, 20)
    assert announce(notices, **values) == expected


def test_waiting_replies_come_before_wait_notices(instance: Instance, notices: WaitNotices) -> None:
    crowd(instance, 20)
    for _ in range(45):
        make_creation(instance.engine, state=State.PAINTED)
    assert announce(notices) == 5


def test_a_wait_notice_during_an_outage_has_no_number(instance: Instance, notices: WaitNotices) -> None:
    recently, long_ago = now() - timedelta(minutes=1), now() - timedelta(minutes=6)
    instance.ask("ada", queue_rank=1, created_at=long_ago)
    instance.ask("bea", queue_rank=2, created_at=recently)
    assert announce(notices, gpu_outage="the GPU service is unavailable") == 1
    assert sent_texts(instance) == ["Your picture takes longer than usual. It will be posted here."]


def test_a_creation_painted_meanwhile_needs_no_notice(instance: Instance, notices: WaitNotices) -> None:
    ids = crowd(instance, 14)
    assert announce(notices) == 1
    with write_session(instance.engine) as session:
        session.get_one(Creation, ids[-1]).state = State.PAINTED
        session.get_one(Creation, ids[-1]).next_attempt_at = None
    make_due(instance.engine)
    [notice] = instance.rows(State.REFUSED)
    run_step(replace(instance.reply), notice.id)
    assert (read_creation(instance.engine, notice.id).reply_status, instance.replies(ids[-1])) == ("not_needed", [])


@pytest.mark.parametrize(
    "rules", [{"wait_notice_minutes": 0}, {"reply_with_text_for": "all -wait"}, {"wait_notice_minutes": 30}]
)
def test_the_operator_can_turn_off_wait_notices(instance: Instance, rules: dict[str, Any]) -> None:
    crowd(instance, 14)
    texts = replace(instance.texts, rules=load(UsagePolicySettings, **rules))
    assert WaitNotices(instance.dispatcher, texts).run_once() == 0
    assert sent_texts(instance) == []


def test_a_wait_notice_is_deleted_with_its_creation(instance: Instance, notices: WaitNotices) -> None:
    ids = crowd(instance, 14)
    announce(notices)
    [notice] = instance.rows(State.REFUSED)
    with write_session(instance.engine) as session:
        assert soft_delete_creations(session, [ids[-1]], "deleted") == 1
    assert read_creation(instance.engine, notice.id).deleted_at is not None
