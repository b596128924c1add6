"""From queued to painted: with the real painter, and with every way it can fail."""

import base64
import io
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, delete, select, update

from core.clock import now
from core.database import reading, transaction
from core.errors import Refused, TryLater
from core.line import Line
from core.models import State, creations, pictures
from core.money.ledger import bill, spent_on, times_paid
from core.painters import Painters
from core.queue import REPLY, WorkQueue
from core.settings import MoneySettings, WorkSettings, load
from core.status import report
from core.storage import FolderStorage
from tests.support.painter import CHECKED, BadPainter, Said, ScriptedPainter, answer
from tests.support.rows import make_creation, make_due, make_person, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import serving
from worker.gpu_client import GpuClient, Order
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep


@pytest.fixture
def step(
    engine: Engine, painter: str, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings
) -> PaintStep:
    gpu = GpuClient((painter,), token="secret")
    return PaintStep(engine, gpu, x.client(), storage, line, settings, load(MoneySettings), Manners())


def answer_of(step: PaintStep, values: dict[str, Any], *pieces: dict[str, Any]) -> bytes:
    """An answer with real pictures, seeds from 42 on; each piece goes over its picture."""
    painting = step.gpu.paint(Order("a fox", seeds=(1,)))
    image = base64.b64encode(painting.pictures[0].image or b"").decode()
    told = [{"seed": 42 + n, "image": image, "safety": CHECKED} | piece for n, piece in enumerate(pieces or ({},))]
    return answer(**({"pictures": told} | values))


def paint(step: PaintStep, creation_id: int, body: bytes) -> None:
    """Paint it with a painter that answers this."""
    with serving(BadPainter(200, body)) as url:
        _work(replace(step, gpu=GpuClient((url,), timeout=5)), creation_id)


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
        (BadPainter(408), "gpu_slow"),
        (BadPainter(200, b"garbage"), "gpu_garbage"),
        (BadPainter(200, answer(pictures=[{"seed": 42, "image": "AAAA", "safety": CHECKED}])), "gpu_garbage"),
    ],
)
def test_a_painter_that_fails_is_tried_on_schedule_and_then_given_up_with_its_reason(
    step: PaintStep, engine: Engine, painter_: BadPainter, code: str
) -> None:
    settings = load(WorkSettings, paint_attempts=3, retry_seconds=5)
    creation_id = make_creation(engine)
    with serving(painter_) as url:
        broken = replace(step, gpu=GpuClient((url,), timeout=2), settings=settings)
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
    creation_id = make_creation(engine, prompt="x" * 4001)
    _work(step, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.code) == (State.REFUSED, "unpaintable")


@pytest.mark.parametrize(
    "away",
    [
        BadPainter(401),
        BadPainter(429, retry_after="2"),
        BadPainter(503),
        BadPainter(404),
        BadPainter(303, location="http://127.0.0.1:1/"),
        None,
    ],
)
def test_a_painter_that_is_away_costs_no_try_however_long_it_lasts(
    step: PaintStep, engine: Engine, away: BadPainter | None
) -> None:
    creation_id = make_creation(engine)
    with serving(away or BadPainter()) as url:
        gpu = GpuClient((url if away else "http://127.0.0.1:1",), timeout=2)
        waiting = replace(step, gpu=gpu, settings=load(WorkSettings, paint_attempts=1))
        for _ in range(3):
            _work(waiting, creation_id)
            row = read_creation(engine, creation_id)
            assert (row.state, row.attempts, row.claim) == (State.QUEUED, 0, None)
            assert row.next_attempt_at is not None
            make_due(engine)
    _work(step, creation_id)
    assert read_creation(engine, creation_id).state == State.PAINTED


def test_what_is_asked_of_the_painter_is_what_the_asker_chose(step: PaintStep, engine: Engine) -> None:
    painter_ = ScriptedPainter(Said(200, answer(7, 8)))
    values = {"count": 2, "seed": 7, "steps": 9, "aspect_ratio": "2:3", "negative_prompt": "people", "style": "ink"}
    creation_id = make_creation(engine, prompt="a fox", **values)
    with serving(painter_) as url:
        _work(replace(step, gpu=GpuClient((url,), timeout=5)), creation_id)
    order = painter_.heard[0].order
    assert order.pop("prompt").startswith("a fox")
    assert order == {"seeds": [7, 8], "steps": 9, "aspect_ratio": "2:3", "negative_prompt": "people"}
    assert "x-caller" in painter_.heard[0].headers


def test_how_it_was_painted_is_written_down(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    told = answer_of(
        step, {"steps": 4, "guidance": 1.5, "truncated": {"read": 75, "of": 130}, "ignored": ["negative_prompt"]}
    )
    paint(step, creation_id, told)
    row = read_creation(engine, creation_id)
    assert (row.painted_steps, row.guidance, row.tokens_read, row.tokens_in_all) == (4, 1.5, 75, 130)
    assert row.ignored == "negative_prompt"


# -- what the safety check flags

FLAGGED = {"safety": {"flagged": True, "scores": {"concept_0": 0.2}}}
WITHHELD = {"image": None, "safety": {"flagged": True}}


@pytest.mark.parametrize(
    ("policy", "pieces", "seeds", "shown"),
    [
        ("refuse", ({}, FLAGGED, {}, WITHHELD), [42, 44], True),
        ("warn", ({}, FLAGGED, {}, WITHHELD), [42, 43, 44], False),
        ("warn", ({}, WITHHELD), [42], True),
        ("warn", (FLAGGED,), [42], False),
    ],
)
def test_of_an_order_that_was_flagged_in_part_the_rest_hangs(
    step: PaintStep, engine: Engine, policy: str, pieces: tuple[dict[str, Any], ...], seeds: list[int], shown: bool
) -> None:
    creation_id = make_creation(engine, count=len(pieces))
    careful = replace(step, manners=Manners(flagged=policy))  # type: ignore[arg-type]
    paint(careful, creation_id, answer_of(step, {}, *pieces))
    places = [(picture.position, picture.seed) for picture in hung(engine, creation_id)]  # type: ignore[attr-defined]
    assert places == list(enumerate(seeds))
    row = read_creation(engine, creation_id)
    assert (row.state, row.code, row.shown_at is not None) == (State.PAINTED, None, shown)


@pytest.mark.parametrize(
    ("policy", "pieces"), [("refuse", (FLAGGED, WITHHELD)), ("refuse", (FLAGGED,)), ("warn", (WITHHELD, WITHHELD))]
)
def test_where_nothing_is_left_the_creation_is_refused(
    step: PaintStep, engine: Engine, policy: str, pieces: tuple[dict[str, Any], ...]
) -> None:
    creation_id = make_creation(engine, count=len(pieces))
    careful = replace(step, manners=Manners(flagged=policy))  # type: ignore[arg-type]
    paint(careful, creation_id, answer_of(step, {}, *pieces))
    row = read_creation(engine, creation_id)
    assert (row.state, row.code, row.shown_at) == (State.REFUSED, "flagged", None)
    assert hung(engine, creation_id) == []
    assert times_paid(engine, creation_id, "gpu") == 1, "it was painted all the same"


# -- what no safety check gave a verdict on

NO_VERDICTS = [
    None,
    {},
    {"flagged": False},
    {"flagged": False, "scores": {}},
    {"flagged": False, "scores": None},
    {"flagged": "no", "scores": {"concept_0": -0.1}},
    {"flagged": 0, "scores": {"concept_0": -0.1}},
    {"flagged": None, "scores": {"concept_0": -0.1}},
    {"flagged": False, "scores": {"concept_0": float("nan")}},
    {"flagged": False, "scores": {"concept_0": -0.1, "concept_1": float("inf")}},
    {"flagged": False, "scores": {"concept_0": "-0.1"}},
    {"flagged": False, "scores": {"concept_0": True}},
    {"flagged": False, "scores": [-0.1]},
    "checked",
]
one_database = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@one_database
@pytest.mark.parametrize("safety", NO_VERDICTS)
def test_a_picture_without_a_verdict_is_not_published_and_its_creation_waits(
    step: PaintStep, engine: Engine, queue: WorkQueue, safety: object
) -> None:
    creation_id = make_creation(engine)
    with serving(BadPainter(200, answer_of(step, {}, {"safety": safety}))) as url:
        gpu = GpuClient((url,), timeout=5, painters=Painters(queue))
        for _ in range(3):
            _work(replace(step, gpu=gpu), creation_id)
            make_due(engine)
        told = "\n".join(report(engine, queue, step.line.pace, load(MoneySettings)))
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts, hung(engine, creation_id)) == (State.QUEUED, 0, [])
    assert times_paid(engine, creation_id, "gpu") == 1, "it is not painted again and again for nothing"
    assert f"painter {url}: gpu_unchecked: " in told
    assert "GPU_UNCHECKED=publish" in told


@one_database
def test_what_has_no_verdict_beside_what_has_one_is_left_out(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=3)
    paint(step, creation_id, answer_of(step, {}, {}, {"safety": {}}, {}))
    assert [picture.seed for picture in hung(engine, creation_id)] == [42, 44]  # type: ignore[attr-defined]


@one_database
def test_the_operator_may_publish_what_is_not_checked_and_status_says_so(
    step: PaintStep, engine: Engine, queue: WorkQueue
) -> None:
    creation_id = make_creation(engine)
    with serving(BadPainter(200, answer_of(step, {}, {"safety": None}))) as url:
        gpu = GpuClient((url,), painters=Painters(queue), publishes_unchecked=True)
        _work(replace(step, gpu=gpu), creation_id)
        told = "\n".join(report(engine, queue, step.line.pace, load(MoneySettings)))
    assert read_creation(engine, creation_id).state == State.PAINTED
    assert f"painter {url}: no safety check sees its pictures" in told


@one_database
def test_where_one_painter_checks_nothing_another_one_paints(step: PaintStep, engine: Engine, queue: WorkQueue) -> None:
    creation_id = make_creation(engine)
    checks = BadPainter(200, answer_of(step, {}))
    with serving(BadPainter(200, answer_of(step, {}, {"safety": {}}))) as lax, serving(checks) as strict:
        gpu = GpuClient((lax, strict), timeout=5, painters=Painters(queue))
        for _ in range(2):
            _work(replace(step, gpu=gpu), creation_id)
            make_due(engine)
    assert (read_creation(engine, creation_id).state, checks.calls) == (State.PAINTED, 1)


@one_database
def test_of_an_order_with_a_picture_that_did_not_come_out_the_others_hang(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=3)
    failed = {"image": None, "safety": {"checked": False, "flagged": False, "scores": {}}, "error": "not_a_number"}
    paint(step, creation_id, answer_of(step, {}, {}, failed, {}))
    row = read_creation(engine, creation_id)
    assert [picture.seed for picture in hung(engine, creation_id)] == [42, 44]  # type: ignore[attr-defined]
    assert (row.state, row.ignored) == (State.PAINTED, "seeds")


@one_database
def test_an_answer_of_failed_pictures_alone_is_a_failure(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    paint(step, creation_id, answer_of(step, {}, {"image": None, "error": "memory"}))
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 1, "gpu_failed: no picture came out: memory")


# -- what it costs

L4 = {"cost": {"card": "L4", "usd_per_second": 0.0003}}


@pytest.mark.parametrize(
    ("hourly", "told", "gpu", "idle"),
    [(None, L4, 600, 3_000), (3.6, L4, 2_000, 10_000), (None, {}, 0, 0), (0.0, L4, 0, 0)],
)
def test_painting_and_idle_time_are_written_down_at_the_machines_price(
    step: PaintStep, engine: Engine, hourly: float | None, told: dict[str, Any], gpu: int, idle: int
) -> None:
    creation_id = make_creation(engine)
    body = answer_of(step, {"seconds": {"painting": 3.0, "gpu": 2.0, "idle": 10.0}, **told})
    paint(replace(step, money=load(MoneySettings, gpu_usd_per_hour=hourly)), creation_id, body)
    assert spent_on(engine, creation_id) == {"gpu": gpu}, "idle time is nobody's"
    paid = {item: micro for item, (_, micro) in bill(engine).items()}
    assert paid == {"gpu": gpu} | ({"gpu_idle": idle} if idle else {})
    assert read_creation(engine, creation_id).painting_seconds == 3.0


def test_an_older_painter_is_paid_by_the_seconds_of_its_painting(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    paint(replace(step, money=load(MoneySettings, gpu_usd_per_hour=3.6)), creation_id, answer_of(step, {}))
    assert spent_on(engine, creation_id) == {"gpu": 500}


def test_the_same_answer_is_paid_once_and_another_one_again(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    body = answer_of(step, {"seconds": {"painting": 1.0, "idle": 5.0}})
    for content in (body, body, body.replace(b"5.0", b"6.0")):
        paint(replace(step, money=load(MoneySettings, gpu_usd_per_hour=3.6)), creation_id, content)
        with transaction(engine) as session:
            session.execute(delete(pictures))
            session.execute(update(creations).values(state=State.QUEUED.value, next_attempt_at=now()))
    assert bill(engine) == {"gpu": (2, 2_000), "gpu_idle": (2, 11_000)}


# -- bugs of ours


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
