"""Members are told what became of what they asked for, and of pictures made after theirs."""

import pytest
from sqlalchemy import Engine, select

from core.clock import now
from core.database import reading, transaction
from core.errors import Refused
from core.forgetting import take_back
from core.line import Line
from core.models import notifications
from core.settings import MoneySettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.rows import make_creation, make_person
from tests.support.sandbox_x import SandboxX
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep


@pytest.fixture
def step(
    engine: Engine, painter: str, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings
) -> PaintStep:
    gpu = GpuClient((painter,), token="secret")
    return PaintStep(engine, gpu, x.client(), storage, line, settings, load(MoneySettings), Manners())


def told(engine: Engine) -> list[tuple[object, ...]]:
    """Whom, of what, about which creation, done by whom."""
    wanted = select(*(notifications.c[name] for name in ("person_id", "kind", "creation_id", "actor_id")))
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(wanted.order_by(notifications.c.id))]


def test_a_member_is_told_that_their_picture_is_painted(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    creation_id = make_creation(engine, person_id=ada)
    for _ in range(2):
        _work(step, creation_id)
    assert told(engine) == [(ada, "painted", creation_id, None)]


def test_a_member_is_told_of_a_picture_made_after_theirs_once_it_hangs(step: PaintStep, engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    child = make_creation(engine, person_id=bob, parent_id=parent, with_post=False)
    assert told(engine) == []
    _work(step, child)
    assert told(engine) == [(ada, "remixed", child, bob)]


def test_nobody_is_told_of_a_remix_of_their_own(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    child = make_creation(engine, person_id=ada, parent_id=parent, with_post=False)
    _work(step, child)
    assert told(engine) == [(ada, "painted", child, None)]


def test_nobody_is_told_of_what_never_hangs(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    hidden = make_person(engine, member_since=now(), hidden_at=now())
    parent = make_creation(engine, person_id=ada, next_attempt_at=None)
    _work(step, make_creation(engine, person_id=hidden, parent_id=parent, with_post=False))
    assert told(engine) == []


def test_a_member_is_told_that_their_prompt_was_refused(step: PaintStep, engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    creation_id = make_creation(engine, person_id=ada, prompt="x" * 4001)
    _work(step, creation_id)
    assert told(engine) == [(ada, "refused", creation_id, None)]


def test_who_takes_their_wish_back_is_not_told_of_it(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, member_since=now()))
    claim = step.claim(creation_id)
    assert claim is not None
    with transaction(engine) as session:
        take_back(session, [creation_id], "deleted")
    step.end(claim, Refused("deleted"))
    assert told(engine) == []


def test_strangers_of_the_gallery_are_told_nothing(step: PaintStep, engine: Engine) -> None:
    _work(step, make_creation(engine))
    _work(step, make_creation(engine, prompt="x" * 4001))
    assert told(engine) == []


def test_a_job_that_lost_its_claim_tells_nothing(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, member_since=now()))
    stale = step.claim(creation_id)
    assert stale is not None
    assert stale.move(stale.state, claim="another")
    step.end(stale, Refused("unpaintable"))
    assert told(engine) == []
