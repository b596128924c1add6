"""What a painter or an answer costs is spent only for a post that is still there, of somebody who is still heard."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from bot import bans
from core.clock import now
from core.database import transaction
from core.line import Line
from core.models import Creation, State, posts
from core.money.ledger import spent_on
from core.pace import Pace
from core.pace.toll import TollGate
from core.queue import WorkQueue
from core.settings import MoneySettings, PaceSettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.rows import make_creation, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, answers
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep
from worker.replying import ReplyStep


class Waiting:
    """A creation that has waited for ten minutes, in answer to a real post of the sandbox."""

    def __init__(self, step: PaintStep, x: SandboxX, **values: Any) -> None:
        self.step, self.x = step, x
        self.post_id = x.post("@threadpaint a red fox", **values)
        self.person_id = make_person(step.engine, username="ada_of_the_house")
        make_post(step.engine, id=self.post_id, author_id=self.person_id)
        self.id = make_creation(step.engine, person_id=self.person_id, with_post=False)
        with transaction(step.engine) as session:
            session.execute(posts.update().values(checked_at=now() - timedelta(minutes=10)))
            session.get_one(Creation, self.id).post_id = self.post_id

    def paint(self) -> Creation:
        _work(self.step, self.id)
        return read_creation(self.step.engine, self.id)


@pytest.fixture
def step(
    engine: Engine, painter: str, x: SandboxX, queue: WorkQueue, storage: FolderStorage, line: Line,
    settings: WorkSettings,
) -> PaintStep:  # fmt: skip
    money = load(MoneySettings)
    toll = TollGate(Pace(queue, load(PaceSettings)), engine, money)
    gpu = GpuClient((painter,), token="secret")
    return PaintStep(engine, gpu, x.client(toll), storage, line, settings, money, Manners())


def test_a_post_that_was_deleted_while_it_waited_is_not_painted(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    x.http.delete(f"{x.url}/sandbox/posts/{waiting.post_id}")
    row = waiting.paint()
    assert (row.state, row.code) == (State.REFUSED, "post_gone")


def test_a_post_whose_parent_was_deleted_is_painted_all_the_same(step: PaintStep, x: SandboxX) -> None:
    parent = x.post("look at my garden", "bob")
    waiting = Waiting(step, x, in_reply_to=str(parent))
    x.http.delete(f"{x.url}/sandbox/posts/{parent}")
    assert waiting.paint().state == State.PAINTED


def test_a_post_of_which_x_says_nothing_clear_is_painted(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    unclear = f'{{"errors":[{{"resource_type":"tweet","value":"{waiting.post_id}","title":"Service trouble"}}]}}'
    x.spoil("GET", "/2/tweets", answers(200, unclear.encode(), content_type="application/json"))
    assert waiting.paint().state == State.PAINTED


def test_the_look_at_the_post_is_paid_for_its_creation(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    waiting.paint()
    assert spent_on(step.engine, waiting.id)["post_read"] == 5_000


def test_who_was_banned_while_it_was_in_work_is_neither_painted_for_nor_answered(
    step: PaintStep, x: SandboxX, settings: WorkSettings
) -> None:
    waiting = Waiting(step, x)
    claim = step.claim(waiting.id)
    assert claim is not None
    bans.ban(step.engine, str(waiting.person_id))
    claim.move(State.QUEUED, claim=None, next_attempt_at=now())
    row = waiting.paint()
    assert (row.state, row.code) == (State.REFUSED, "banned")

    painted = Waiting(step, x)
    painted.paint()
    reply = ReplyStep(step.engine, step.x, step.storage, step.line, settings, Manners())
    answering = reply.claim(painted.id)
    assert answering is not None
    bans.ban(step.engine, str(painted.person_id))
    answering.move(State.PAINTED, claim=None, next_attempt_at=now())
    _work(reply, painted.id)
    row = read_creation(step.engine, painted.id)
    assert (row.state, row.reply_outcome, x.replies(painted.post_id)) == (State.PAINTED, "banned", [])
