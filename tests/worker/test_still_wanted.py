"""GPU time and replies are spent only on posts that still exist, of users who are still served."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from bot import moderation
from core.budget.ledger import cost_of_creation
from core.clock import now
from core.database import write_session
from core.models import Creation, State, posts
from core.queue import WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, RateLimitSettings, load
from core.storage import FolderStorage
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from tests.support.rows import make_creation, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, answers
from worker.gpu.client import GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy
from worker.replying import ReplyStep


class Waiting:
    """A creation for a real post of the sandbox, queued for ten minutes."""

    def __init__(self, step: PaintStep, x: SandboxX, **values: Any) -> None:
        self.step, self.x = step, x
        self.post_id = x.post("@threadpaint a red fox", **values)
        self.person_id = make_person(step.engine, username="ada_of_the_house")
        make_post(step.engine, id=self.post_id, author_id=self.person_id)
        self.id = make_creation(step.engine, person_id=self.person_id, with_post=False)
        with write_session(step.engine) as session:
            session.execute(posts.update().values(last_checked_on_x_at=now() - timedelta(minutes=10)))
            session.get_one(Creation, self.id).post_id = self.post_id

    def paint(self) -> Creation:
        run_step(self.step, self.id)
        return read_creation(self.step.engine, self.id)


@pytest.fixture
def step(
    engine: Engine, gpu_url: str, x: SandboxX, queue: WorkQueue, storage: FolderStorage, dispatcher: Dispatcher,
    settings: JobSettings,
) -> PaintStep:  # fmt: skip
    money = load(BudgetSettings)
    guard = MeteredCallGuard(XRateLimiter(queue, load(RateLimitSettings)), engine, money)
    gpu = GpuClient((gpu_url,), token="secret")
    return PaintStep(engine, gpu, x.client(guard), storage, dispatcher, settings, money, ReplyPolicy())


def test_a_post_deleted_while_queued_is_not_painted(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    x.http.delete(f"{x.url}/sandbox/posts/{waiting.post_id}")
    row = waiting.paint()
    assert (row.state, row.reason_code) == (State.REFUSED, "post_gone")


def test_a_post_with_a_deleted_parent_is_painted(step: PaintStep, x: SandboxX) -> None:
    parent = x.post("look at my garden", "bob")
    waiting = Waiting(step, x, in_reply_to=str(parent))
    x.http.delete(f"{x.url}/sandbox/posts/{parent}")
    assert waiting.paint().state == State.PAINTED


def test_a_post_with_an_unclear_status_is_painted(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    unclear = f'{{"errors":[{{"resource_type":"tweet","value":"{waiting.post_id}","title":"Service trouble"}}]}}'
    x.spoil("GET", "/2/tweets", answers(200, unclear.encode(), content_type="application/json"))
    assert waiting.paint().state == State.PAINTED


def test_the_post_lookup_is_charged_to_its_creation(step: PaintStep, x: SandboxX) -> None:
    waiting = Waiting(step, x)
    waiting.paint()
    assert cost_of_creation(step.engine, waiting.id)["post_read"] == 5_000


def test_a_user_banned_meanwhile_gets_no_picture_and_no_reply(
    step: PaintStep, x: SandboxX, settings: JobSettings
) -> None:
    waiting = Waiting(step, x)
    lease = step.acquire(waiting.id)
    assert lease is not None
    moderation.ban(step.engine, str(waiting.person_id))
    lease.move(State.QUEUED, lease_token=None, next_attempt_at=now())
    row = waiting.paint()
    assert (row.state, row.reason_code) == (State.REFUSED, "banned")

    painted = Waiting(step, x)
    painted.paint()
    reply = ReplyStep(step.engine, step.x, step.storage, step.dispatcher, settings, ReplyPolicy())
    answering = reply.acquire(painted.id)
    assert answering is not None
    moderation.ban(step.engine, str(painted.person_id))
    answering.move(State.PAINTED, lease_token=None, next_attempt_at=now())
    run_step(reply, painted.id)
    row = read_creation(step.engine, painted.id)
    assert (row.state, row.reply_status, x.replies(painted.post_id)) == (State.PAINTED, "banned", [])
