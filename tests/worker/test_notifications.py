"""Members are notified of the outcome of their creations, and of remixes."""

import pytest
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection, write_session
from core.deletion import soft_delete_creations
from core.errors import Refused
from core.models import notifications
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, load
from core.storage import FolderStorage
from tests.support.rows import make_creation, make_person
from tests.support.sandbox_x import SandboxX
from worker.gpu.client import GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy


@pytest.fixture
def step(
    engine: Engine, gpu_url: str, x: SandboxX, storage: FolderStorage, dispatcher: Dispatcher, settings: JobSettings
) -> PaintStep:
    gpu = GpuClient((gpu_url,), token="secret")
    return PaintStep(engine, gpu, x.client(), storage, dispatcher, settings, load(BudgetSettings), ReplyPolicy())


def notified(engine: Engine) -> list[tuple[object, ...]]:
    """Return person, kind, creation and actor of all notifications."""
    wanted = select(*(notifications.c[name] for name in ("person_id", "kind", "creation_id", "actor_id")))
    with read_connection(engine) as connection:
        return [tuple(row) for row in connection.execute(wanted.order_by(notifications.c.id))]


def test_a_member_is_notified_of_a_painted_creation(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    creation_id = make_creation(engine, person_id=ada)
    for _ in range(2):
        run_step(step, creation_id)
    assert notified(engine) == [(ada, "painted", creation_id, None)]


def test_a_member_is_notified_of_a_published_remix(step: PaintStep, engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    child = make_creation(engine, person_id=bob, parent_id=parent, with_post=False)
    assert notified(engine) == []
    run_step(step, child)
    assert notified(engine) == [(ada, "remixed", child, bob)]


def test_a_remix_of_an_own_creation_notifies_once(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    child = make_creation(engine, person_id=ada, parent_id=parent, with_post=False)
    run_step(step, child)
    assert notified(engine) == [(ada, "painted", child, None)]


def test_an_unpublished_remix_notifies_no_parent_author(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    hidden = make_person(engine, member_since=now(), hidden_at=now())
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    run_step(step, make_creation(engine, person_id=hidden, parent_id=parent, with_post=False))
    assert notified(engine) == []


def test_a_member_is_notified_of_a_refused_prompt(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    creation_id = make_creation(engine, person_id=ada, prompt="x" * 4001)
    run_step(step, creation_id)
    assert notified(engine) == [(ada, "refused", creation_id, None)]


def test_a_member_who_deletes_a_creation_is_not_notified(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, member_since=now()))
    lease = step.acquire(creation_id)
    assert lease is not None
    with write_session(engine) as session:
        soft_delete_creations(session, [creation_id], "deleted")
    step.fail(lease, Refused("deleted"))
    assert notified(engine) == []


def test_users_who_are_no_members_are_not_notified(step: PaintStep, engine: Engine) -> None:
    run_step(step, make_creation(engine))
    run_step(step, make_creation(engine, prompt="x" * 4001))
    assert notified(engine) == []


def test_a_job_that_lost_its_lease_notifies_no_member(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, member_since=now()))
    stale = step.acquire(creation_id)
    assert stale is not None
    assert stale.move(stale.state, lease_token="another")
    step.fail(stale, Refused("unpaintable"))
    assert notified(engine) == []
