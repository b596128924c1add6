"""From queued to painted: with the real GPU service, and with all of its failures."""

import base64
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, delete, select, update

from core.budget.ledger import cost_of_creation, count_charges, totals_by_item
from core.cli.status import render_status
from core.clock import now
from core.database import read_connection, write_session
from core.errors import Refused, TryLater
from core.gpu_health import GpuCircuitBreaker
from core.models import State, creations, pictures
from core.queue import REPLY, WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, load
from core.storage import FolderStorage
from tests.support.gpu_service import CHECKED, FixedService, Scripted, ScriptedService, result_body
from tests.support.rows import make_creation, make_due, make_person, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import on_shared_server, wait_until
from worker.gpu.client import GenerateRequest, GpuClient
from worker.jobs import run_step
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy


@pytest.fixture
def step(
    engine: Engine, gpu_url: str, x: SandboxX, storage: FolderStorage, dispatcher: Dispatcher, settings: JobSettings
) -> PaintStep:
    gpu = GpuClient((gpu_url,), token="secret")
    return PaintStep(engine, gpu, x.client(), storage, dispatcher, settings, load(BudgetSettings), ReplyPolicy())


def answer_of(step: PaintStep, values: dict[str, Any], *pieces: dict[str, Any]) -> bytes:
    """Return a result with real pictures, seeds from 42 on. Each piece replaces fields of its picture."""
    result = step.gpu.generate(GenerateRequest("a fox", seeds=(1,)))
    image = base64.b64encode(result.images[0].content or b"").decode()
    body = [{"seed": 42 + n, "image": image, "safety": CHECKED} | piece for n, piece in enumerate(pieces or ({},))]
    return result_body(**({"pictures": body} | values))


def paint(step: PaintStep, creation_id: int, body: bytes) -> None:
    """Paint it with a service that returns this body."""
    with on_shared_server(FixedService(200, body)) as url:
        run_step(replace(step, gpu=GpuClient((url,), timeout=5)), creation_id)


def load_pictures(engine: Engine, creation_id: int) -> list[object]:
    with read_connection(engine) as connection:
        return list(connection.execute(select(pictures).where(pictures.c.creation_id == creation_id)))


def test_a_creation_is_painted_published_and_its_reply_enqueued(
    step: PaintStep, engine: Engine, storage: FolderStorage, queue: WorkQueue
) -> None:
    creation_id = make_creation(engine, person_id=make_person(engine, name="Ada"), prompt="a red fox", seed=7)
    run_step(step, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.model, row.lease_token, row.attempts, row.last_error) == (
        State.PAINTED,
        "sketch",
        None,
        0,
        None,
    )
    assert row.published_at == row.painted_at is not None
    assert queue.queued_ids(REPLY) == {creation_id}
    (picture,) = load_pictures(engine, creation_id)
    image = storage.get(picture.key)  # type: ignore[attr-defined]
    assert image is not None
    with Image.open(io.BytesIO(image)) as opened:
        assert b"prompted by Ada" in opened.info["xmp"]
        assert b"a red fox" in opened.info["xmp"]


def test_four_pictures_have_four_seeds(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=4, seed=2**31 - 2)
    run_step(step, creation_id)
    assert [picture.seed - 2**31 for picture in load_pictures(engine, creation_id)] == [-2, -1, 0, 1]  # type: ignore[attr-defined]


def test_a_gallery_creation_enqueues_no_reply(step: PaintStep, engine: Engine, queue: WorkQueue) -> None:
    creation_id = make_creation(engine, with_post=False)
    run_step(step, creation_id)
    assert read_creation(engine, creation_id).next_attempt_at is None
    assert queue.queued_ids(REPLY) == set()


def test_a_repeated_or_late_job_does_nothing(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    for _ in range(3):
        run_step(step, creation_id)
    assert len(load_pictures(engine, creation_id)) == 1
    run_step(step, 10**9)


def test_a_job_that_lost_its_lease_leaves_no_trace(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    stale = step.acquire(creation_id)
    assert stale is not None
    assert stale.move(State.QUEUED, lease_token=None)
    make_due(engine)
    run_step(step, creation_id)
    before = read_creation(engine, creation_id)
    step.run(stale)
    step.retry_later(stale, TryLater("gpu_down"))
    step.fail(stale, Refused("unpaintable"))
    assert read_creation(engine, creation_id) == before
    assert len(load_pictures(engine, creation_id)) == 1


def test_a_lease_is_renewed_while_its_job_runs(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    brief = replace(step, settings=load(JobSettings, lease_seconds=1, x_timeout_seconds=0.25))
    lease = brief.acquire(creation_id)
    assert lease is not None
    first = read_creation(engine, creation_id).next_attempt_at
    with lease.keep_alive():
        wait_until(lambda: read_creation(engine, creation_id).next_attempt_at != first, "the lease was not renewed")
    later = read_creation(engine, creation_id).next_attempt_at
    assert first is not None
    assert later is not None
    assert later > first


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (FixedService(500), "gpu_failed"),
        (FixedService(408), "gpu_slow"),
        (FixedService(200, b"garbage"), "gpu_garbage"),
        (FixedService(200, result_body(pictures=[{"seed": 42, "image": "AAAA", "safety": CHECKED}])), "gpu_garbage"),
    ],
)
def test_a_failing_backend_is_retried_on_schedule_and_then_given_up(
    step: PaintStep, engine: Engine, service: FixedService, code: str
) -> None:
    settings = load(JobSettings, paint_attempts=3, retry_seconds=5)
    creation_id = make_creation(engine)
    with on_shared_server(service) as url:
        broken = replace(step, gpu=GpuClient((url,), timeout=2), settings=settings)
        for pause in (5, 15):
            began = now()
            run_step(broken, creation_id)
            row = read_creation(engine, creation_id)
            assert row.next_attempt_at is not None
            assert 0 <= (row.next_attempt_at - began).total_seconds() - pause < 4
            assert (row.state, str(row.last_error).partition(":")[0]) == (State.QUEUED, code)
            make_due(engine)
        run_step(broken, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.reason_code, row.next_attempt_at, row.published_at) == (State.FAILED, code, None, None)


def test_a_stray_job_does_not_shorten_a_pause(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, next_attempt_at=now() + timedelta(seconds=60))
    run_step(step, creation_id)
    assert read_creation(engine, creation_id).attempts == 0


def test_an_unpaintable_prompt_is_refused_at_once(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, prompt="x" * 4001)
    run_step(step, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.reason_code) == (State.REFUSED, "unpaintable")


@pytest.mark.parametrize(
    "away",
    [
        FixedService(401),
        FixedService(429, retry_after="2"),
        FixedService(503),
        FixedService(404),
        FixedService(303, location="http://127.0.0.1:1/"),
        None,
    ],
)
def test_a_backend_that_is_away_costs_no_attempt(step: PaintStep, engine: Engine, away: FixedService | None) -> None:
    creation_id = make_creation(engine)
    with on_shared_server(away or FixedService()) as url:
        gpu = GpuClient((url if away else "http://127.0.0.1:1",), timeout=2)
        waiting = replace(step, gpu=gpu, settings=load(JobSettings, paint_attempts=1))
        for _ in range(3):
            run_step(waiting, creation_id)
            row = read_creation(engine, creation_id)
            assert (row.state, row.attempts, row.lease_token) == (State.QUEUED, 0, None)
            assert row.next_attempt_at is not None
            make_due(engine)
    run_step(step, creation_id)
    assert read_creation(engine, creation_id).state == State.PAINTED


def test_the_request_holds_what_the_user_chose(step: PaintStep, engine: Engine) -> None:
    service = ScriptedService(Scripted(200, result_body(7, 8)))
    values: dict[str, Any] = {
        "count": 2,
        "seed": 7,
        "steps": 9,
        "aspect_ratio": "2:3",
        "negative_prompt": "people",
        "style": "ink",
    }
    creation_id = make_creation(engine, prompt="a fox", **values)
    with on_shared_server(service) as url:
        run_step(replace(step, gpu=GpuClient((url,), timeout=5)), creation_id)
    order = service.received[0].json
    assert order.pop("prompt").startswith("a fox")
    assert order == {"seeds": [7, 8], "steps": 9, "aspect_ratio": "2:3", "negative_prompt": "people"}


def test_generation_metadata_is_saved(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    body = answer_of(
        step, {"steps": 4, "guidance": 1.5, "truncated": {"read": 75, "of": 130}, "ignored": ["negative_prompt"]}
    )
    paint(step, creation_id, body)
    row = read_creation(engine, creation_id)
    assert (row.steps_used, row.guidance, row.prompt_tokens_used, row.prompt_tokens_total) == (4, 1.5, 75, 130)
    assert row.ignored_options == "negative_prompt"


# -- flagged pictures

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
def test_unflagged_pictures_of_a_request_are_published(
    step: PaintStep, engine: Engine, policy: str, pieces: tuple[dict[str, Any], ...], seeds: list[int], shown: bool
) -> None:
    creation_id = make_creation(engine, count=len(pieces))
    careful = replace(step, policy=ReplyPolicy(flagged_images=policy))  # type: ignore[arg-type]
    paint(careful, creation_id, answer_of(step, {}, *pieces))
    places = [(picture.position, picture.seed) for picture in load_pictures(engine, creation_id)]  # type: ignore[attr-defined]
    assert places == list(enumerate(seeds))
    row = read_creation(engine, creation_id)
    assert (row.state, row.reason_code, row.published_at is not None) == (State.PAINTED, None, shown)


@pytest.mark.parametrize(
    ("policy", "pieces"), [("refuse", (FLAGGED, WITHHELD)), ("refuse", (FLAGGED,)), ("warn", (WITHHELD, WITHHELD))]
)
def test_a_creation_with_only_flagged_pictures_is_refused(
    step: PaintStep, engine: Engine, policy: str, pieces: tuple[dict[str, Any], ...]
) -> None:
    creation_id = make_creation(engine, count=len(pieces))
    careful = replace(step, policy=ReplyPolicy(flagged_images=policy))  # type: ignore[arg-type]
    paint(careful, creation_id, answer_of(step, {}, *pieces))
    row = read_creation(engine, creation_id)
    assert (row.state, row.reason_code, row.published_at) == (State.REFUSED, "flagged", None)
    assert load_pictures(engine, creation_id) == []
    assert count_charges(engine, creation_id, "gpu") == 1, "it was painted nevertheless"


# -- unchecked pictures

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
    with on_shared_server(FixedService(200, answer_of(step, {}, {"safety": safety}))) as url:
        gpu = GpuClient((url,), timeout=5, gpu_breaker=GpuCircuitBreaker(queue))
        for _ in range(3):
            run_step(replace(step, gpu=gpu), creation_id)
            make_due(engine)
        body = "\n".join(render_status(engine, queue, step.dispatcher.rate_limiter, load(BudgetSettings)))
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts, load_pictures(engine, creation_id)) == (State.QUEUED, 0, [])
    assert count_charges(engine, creation_id, "gpu") == 1, "it is painted only once"
    assert f"GPU backend {url}: gpu_unchecked: " in body
    assert "GPU_UNCHECKED=publish" in body


@one_database
def test_an_unchecked_picture_beside_checked_ones_is_left_out(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=3)
    paint(step, creation_id, answer_of(step, {}, {}, {"safety": {}}, {}))
    assert [picture.seed for picture in load_pictures(engine, creation_id)] == [42, 44]  # type: ignore[attr-defined]


@one_database
def test_unchecked_pictures_may_be_published_and_status_says_so(
    step: PaintStep, engine: Engine, queue: WorkQueue
) -> None:
    creation_id = make_creation(engine)
    with on_shared_server(FixedService(200, answer_of(step, {}, {"safety": None}))) as url:
        gpu = GpuClient((url,), gpu_breaker=GpuCircuitBreaker(queue), publishes_unchecked=True)
        run_step(replace(step, gpu=gpu), creation_id)
        body = "\n".join(render_status(engine, queue, step.dispatcher.rate_limiter, load(BudgetSettings)))
    assert read_creation(engine, creation_id).state == State.PAINTED
    assert f"GPU backend {url}: its pictures have no safety check" in body


@one_database
def test_another_backend_paints_if_one_checks_nothing(step: PaintStep, engine: Engine, queue: WorkQueue) -> None:
    creation_id = make_creation(engine)
    checks = FixedService(200, answer_of(step, {}))
    with (
        on_shared_server(FixedService(200, answer_of(step, {}, {"safety": {}}))) as lax,
        on_shared_server(checks) as strict,
    ):
        gpu = GpuClient((lax, strict), timeout=5, gpu_breaker=GpuCircuitBreaker(queue))
        for _ in range(2):
            run_step(replace(step, gpu=gpu), creation_id)
            make_due(engine)
    assert (read_creation(engine, creation_id).state, checks.calls) == (State.PAINTED, 1)


@one_database
def test_a_failed_picture_does_not_stop_the_others(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine, count=3)
    failed = {"image": None, "safety": {"checked": False, "flagged": False, "scores": {}}, "error": "not_a_number"}
    paint(step, creation_id, answer_of(step, {}, {}, failed, {}))
    row = read_creation(engine, creation_id)
    assert [picture.seed for picture in load_pictures(engine, creation_id)] == [42, 44]  # type: ignore[attr-defined]
    assert (row.state, row.ignored_options) == (State.PAINTED, "seeds")


@one_database
def test_a_result_with_only_failed_pictures_is_a_failure(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    paint(step, creation_id, answer_of(step, {}, {"image": None, "error": "memory"}))
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 1, "gpu_failed: no picture came out: memory")


# -- costs

L4 = {"cost": {"card": "L4", "usd_per_second": 0.0003}}


@pytest.mark.parametrize(
    ("hourly", "fields", "gpu", "idle"),
    [(None, L4, 600, 3_000), (3.6, L4, 2_000, 10_000), (None, {}, 0, 0), (0.0, L4, 0, 0)],
)
def test_busy_and_idle_time_are_charged_at_the_machine_price(
    step: PaintStep, engine: Engine, hourly: float | None, fields: dict[str, Any], gpu: int, idle: int
) -> None:
    creation_id = make_creation(engine)
    body = answer_of(step, {"seconds": {"painting": 3.0, "gpu": 2.0, "idle": 10.0}, **fields})
    paint(replace(step, money=load(BudgetSettings, gpu_usd_per_hour=hourly)), creation_id, body)
    assert cost_of_creation(engine, creation_id) == {"gpu": gpu}, "idle time is charged to no creation"
    paid = {item: micro for item, (_, micro) in totals_by_item(engine).items()}
    assert paid == {"gpu": gpu} | ({"gpu_idle": idle} if idle else {})
    assert read_creation(engine, creation_id).painting_seconds == 3.0


def test_an_older_service_is_charged_by_wall_time(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    paint(replace(step, money=load(BudgetSettings, gpu_usd_per_hour=3.6)), creation_id, answer_of(step, {}))
    assert cost_of_creation(engine, creation_id) == {"gpu": 500}


def test_one_response_is_charged_once_and_another_again(step: PaintStep, engine: Engine) -> None:
    creation_id = make_creation(engine)
    body = answer_of(step, {"seconds": {"painting": 1.0, "idle": 5.0}})
    for content in (body, body, body.replace(b"5.0", b"6.0")):
        paint(replace(step, money=load(BudgetSettings, gpu_usd_per_hour=3.6)), creation_id, content)
        with write_session(engine) as session:
            session.execute(delete(pictures))
            session.execute(update(creations).values(state=State.QUEUED.value, next_attempt_at=now()))
    assert totals_by_item(engine) == {"gpu": (2, 2_000), "gpu_idle": (2, 11_000)}


# -- bugs


def test_a_bug_fails_the_job_and_the_creation_is_retried(step: PaintStep, engine: Engine) -> None:
    class Broken(FolderStorage):
        def put(self, data: bytes, extension: str) -> str:
            raise ZeroDivisionError("a bug")

    broken = replace(step, storage=Broken(step.storage.folder))  # type: ignore[attr-defined]
    creation_id = make_creation(engine)
    with pytest.raises(ZeroDivisionError):
        run_step(broken, creation_id)
    row = read_creation(engine, creation_id)
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    assert row.last_error == "unexpected: ZeroDivisionError('a bug')"
