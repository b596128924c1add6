"""From queued to painted: with the real painter, and with every way it can fail."""

import io
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import Engine, select

from core.clock import now
from core.database import reading
from core.errors import Refused, TryLater
from core.line import Line
from core.models import State, pictures
from core.queue import REPLY, WorkQueue
from core.settings import MoneySettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.painter import BadPainter
from tests.support.rows import make_creation, make_due, make_person, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import serving
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep


@pytest.fixture
def step(
    engine: Engine, painter: str, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings
) -> PaintStep:
    gpu = GpuClient(painter, token="secret")
    return PaintStep(engine, gpu, x.client(), storage, line, settings, load(MoneySettings), Manners())


def hung(engine: Engine, creation_id: int) -> list[object]:
    with reading(engine) as connection:
        return list(connection.execute(select(pictures).where(pictures.c.creation_id == creation_id)))


def test_a_creation_is_painted_hung_and_its_reply_asked_for(
    step: PaintStep, engine: Engine, storage: FolderStorage, queue: WorkQueue
) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, name="Ada"), prompt="a red fox", seed=7)
    _work(step, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.model, row.claim, row.attempts, row.last_error) == (State.PAINTED, "sketch", None, 0, None)
    assert row.shown_at == row.painted_at is not None
    assert queue.waiting(REPLY) == {creation_id}
    (picture,) = hung(engine, creation_id)
    image = storage.get(picture.key)  # type: ignore[attr-defined]
    assert image is not None
    with Image.open(io.BytesIO(image)) as opened:
        assert b"prompted by Ada" in opened.info["xmp"]
        assert b"a red fox" in opened.info["xmp"]


def test_four_pictures_have_four_seeds(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=4, seed=2**31 - 2)
    _work(step, creation_id)
    assert [picture.seed - 2**31 for picture in hung(engine, creation_id)] == [-2, -1, 0, 1]  # type: ignore[attr-defined]


def test_a_creation_of_the_gallery_asks_for_no_reply(step: PaintStep, engine: Engine, queue: WorkQueue) -> None:
    creation_id = make_creation(engine, with_post=False)
    _work(step, creation_id)
    assert read_creation(engine, creation_id).next_attempt_at is None
    assert queue.waiting(REPLY) == set()


def test_a_job_that_comes_twice_or_late_walks_away(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    for _ in range(3):
        _work(step, creation_id)
    assert len(hung(engine, creation_id)) == 1
    _work(step, 10**9)


def test_a_job_that_lost_its_claim_leaves_no_trace(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    stale = step.claim(creation_id)
    assert stale is not None
    assert stale.move(State.QUEUED, claim=None)
    make_due(engine)
    _work(step, creation_id)
    before = read_creation(engine, creation_id)
    step.do(stale)
    step.postpone(stale, TryLater("gpu_down"))
    step.end(stale, Refused("unpaintable"))
    assert read_creation(engine, creation_id) == before
    assert len(hung(engine, creation_id)) == 1


def test_a_claim_is_prolonged_while_its_job_lives(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    claim = step.claim(creation_id)
    assert claim is not None
    first = read_creation(engine, creation_id).next_attempt_at
    with claim.kept():
        time.sleep(1.0)
    later = read_creation(engine, creation_id).next_attempt_at
    assert first is not None
    assert later is not None
    assert later - first > timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("painter_", "code"),
    [
        (BadPainter(500), "gpu_failed"),
        (BadPainter(429, retry_after="2"), "gpu_busy"),
        (BadPainter(503), "gpu_busy"),
        (BadPainter(200, b"garbage"), "gpu_garbage"),
        (BadPainter(200, b'{"model":"m","pictures":[{"seed":42,"image":"AAAA"}]}'), "gpu_garbage"),
        (BadPainter(401), "gpu_unauthorized"),
        (None, "gpu_down"),
    ],
)
def test_a_painter_that_fails_is_tried_on_schedule_and_then_given_up_with_its_reason(
    step: PaintStep, engine: Engine, painter_: BadPainter | None, code: str
) -> None:
    settings = load(WorkSettings, paint_attempts=3, retry_seconds=5)
    creation_id = make_creation(engine)
    with serving(painter_ or BadPainter()) as url:
        gpu = GpuClient(url if painter_ else "http://127.0.0.1:1", timeout=2)
        broken = replace(step, gpu=gpu, settings=settings)
        for pause in (5, 15):
            began = now()
            _work(broken, creation_id)
            row = read_creation(engine, creation_id)
            assert row.next_attempt_at is not None
            assert 0 <= (row.next_attempt_at - began).total_seconds() - pause < 4
            assert (row.state, str(row.last_error).partition(":")[0]) == (State.QUEUED, code)
            make_due(engine)
        _work(broken, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.code, row.next_attempt_at, row.shown_at) == (State.FAILED, code, None, None)


def test_a_stray_job_does_not_cut_a_pause_short(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, next_attempt_at=now() + timedelta(seconds=60))
    _work(step, creation_id)
    assert read_creation(engine, creation_id).attempts == 0


def test_what_cannot_be_painted_is_refused_at_once(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, width=13, height=13)
    _work(step, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.code) == (State.REFUSED, "unpaintable")


def test_a_flagged_picture_is_not_shown(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    body = b'{"model":"m","pictures":[{"seed":42,"image":"AAAA","safety":{"flagged":true}}]}'
    with serving(BadPainter(200, body)) as url:
        _work(replace(step, gpu=GpuClient(url)), creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.code, row.shown_at) == (State.REFUSED, "flagged", None)


def test_our_own_bug_fails_loudly_and_the_creation_does_not_wait_for_ever(step: PaintStep, engine: Engine) -> None:
    class Broken(FolderStorage):
        def put(self, data: bytes, extension: str) -> str:
            raise ZeroDivisionError("a bug")

    broken = replace(step, storage=Broken(step.storage.folder))  # type: ignore[attr-defined]
    creation_id = make_creation(engine)
    with pytest.raises(ZeroDivisionError):
        _work(broken, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    assert row.last_error == "unexpected: ZeroDivisionError('a bug')"
