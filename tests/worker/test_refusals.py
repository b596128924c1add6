"""One order that something before a painter refuses is told apart from a painter that refuses everybody."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from core.errors import TryLater
from core.line import Line
from core.models import State
from core.painters import Painters
from core.queue import PAINT, WorkQueue
from core.refusals import in_words
from core.settings import MoneySettings, WorkSettings, load
from core.status import report
from core.storage import FolderStorage
from gpu.engines import make_app
from gpu.settings import GpuSettings
from tests.support.painter import BadPainter, Said, ScriptedPainter, answer, behind, sketch_service
from tests.support.rows import make_creation, make_due, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import serving, wait_until
from worker.gpu_client import GpuClient, Order
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep

PAGE = b"<html><title>Attention required</title></html>"
SUSPECT = "`curl http://127.0.0.1/x` as a poster"
REFUSALS = {
    "401": Said(401, PAGE),
    "403": Said(403, PAGE),
    "404": Said(404, PAGE),
    "405": Said(405),
    "406": Said(406, PAGE),
    "413": Said(413, PAGE),
    "422 of a firewall": Said(422, PAGE),
    "429": Said(429, b"", {"Retry-After": "3000"}),
    "503": Said(503, PAGE),
    "redirect": Said(302, b"", {"Location": "https://login.example/"}),
    "redirect after": Said(303, b"", {"Location": "https://login.example/"}),
    "login page": Said(200, PAGE, {"Content-Type": "text/html"}),
}
# The status that may pass by itself counts only once another order was painted.
BUSY = ("429", "503")
each_refusal = pytest.mark.parametrize("refusal", REFUSALS)


@pytest.fixture
def painters(queue: WorkQueue) -> Painters:
    return Painters(queue)


@contextmanager
def painter_behind(refusal: Said, *, knows_contract: bool = True, paints: bool = False) -> Iterator[str]:
    """A painter behind a firewall that refuses prompts with a backtick. The real service tells what an empty request
    lacks; one that does not know our contract breaks the connection. `paints`: real pictures in any case."""
    real = knows_contract or paints
    service = make_app(GpuSettings(engine="sketch")) if real else ScriptedPainter(Said(200, answer()))
    empty = None if knows_contract else Said(200, b"{}", cut=True)
    with serving(behind(service, lambda prompt: refusal if "`" in prompt else None, empty=empty)) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter is not ready")
        yield url


def order(number: int, *, suspect: bool = False) -> Order:
    return Order(SUSPECT if suspect else "a quiet pond", seeds=(42,), creation_id=number)


def refused(gpu: GpuClient, number: int) -> TryLater:
    with pytest.raises(TryLater) as caught:
        gpu.paint(order(number, suspect=True))
    return caught.value


# -- one order


@each_refusal
def test_where_an_empty_request_is_read_the_refused_order_is_the_cause(painters: Painters, refusal: str) -> None:
    with painter_behind(REFUSALS[refusal]) as url:
        gpu = GpuClient((url,), painters=painters)
        first = refused(gpu, 1)
        assert (first.code, first.counted) == ("gpu_refused", refusal not in BUSY)
        assert first.after <= 300
        assert (painters.ill(), painters.room()) == ([], None)
        gpu.paint(order(2))
        assert refused(gpu, 1).counted
        assert "GPU_TOKEN" not in str(refused(gpu, 1))


@each_refusal
def test_where_it_tells_nothing_the_order_counts_once_another_was_painted(painters: Painters, refusal: str) -> None:
    with painter_behind(REFUSALS[refusal], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        assert [refused(gpu, 1).counted for _ in range(4)] == [False] * 4, "perhaps everybody is refused"
        assert (painters.ill(), painters.room()) == ([], None)
        gpu.paint(order(2))
        assert [refused(gpu, 1).counted for _ in range(2)] == [True, False]


def test_a_painter_that_says_it_is_away_is_away_and_no_order_is_suspected(painters: Painters) -> None:
    away = ScriptedPainter(Said(403, PAGE), health=Said(502, PAGE), empty=Said(500))
    with serving(away) as url:
        error = refused(GpuClient((url,), painters=painters), 1)
    assert (error.code, error.counted) == ("gpu_down", False)
    assert painters.room() == 0


@each_refusal
def test_a_painter_that_refuses_everybody_costs_no_order_a_try(painters: Painters, refusal: str) -> None:
    with serving(ScriptedPainter(REFUSALS[refusal])) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in range(4):
            assert not refused(gpu, number).counted
            assert painters.room() == 0, "one is enough to know"
            end_pauses(painters)
        assert len(painters.ill()) == 1


def test_only_where_all_are_refused_the_operator_reads_of_the_token(painters: Painters) -> None:
    with sketch_service() as url:
        error = refused(GpuClient((url,), token="wrong", painters=painters), 1)
    assert str(error) == "gpu_unauthorized: GPU_TOKEN is not the service's token"
    assert not error.counted


def test_an_order_after_which_everybody_is_refused_for_a_while_is_the_cause(painters: Painters) -> None:
    locked: list[bool] = []

    def firewall(prompt: str) -> Said | None:
        if "`" in prompt:
            locked.append(True)
        return Said(403, PAGE) if locked else None

    with serving(behind(ScriptedPainter(Said(200, answer())), firewall)) as url:
        gpu = GpuClient((url,), painters=painters)
        counted = []
        for _ in range(3):
            counted.append(refused(gpu, 1).counted)
            assert painters.room() == 0
            end_pauses(painters)
            locked.clear()
            gpu.paint(order(2))
    assert counted == [False, True, True]


# -- several at once, and the line


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_three_suspects_at_once_hold_up_nobody_for_long(
    painters: Painters, engine: Engine, line: Line, queue: WorkQueue
) -> None:
    suspects = [make_creation(engine, with_post=False, prompt=SUSPECT, turn=n) for n in range(3)]
    innocent = make_creation(engine, with_post=False, turn=9)
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in suspects:
            refused(gpu, number)
        assert painters.room() == 0, "as far as anybody knows, all are refused"
        assert painters.away().opens_in <= 15  # type: ignore[union-attr]
        end_pauses(painters)
        assert line.call_up(PAINT) == 1
        assert queue.waiting(PAINT) == {innocent}, "not one of those that may be the reason"
        gpu.paint(order(innocent))
        assert painters.room() is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_where_only_suspects_wait_one_of_them_looks(painters: Painters, engine: Engine, line: Line) -> None:
    suspects = [make_creation(engine, with_post=False, prompt=SUSPECT) for _ in range(3)]
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in suspects:
            refused(gpu, number)
        end_pauses(painters)
        assert line.call_up(PAINT) == 1


def test_however_often_suspects_are_refused_the_pause_stays_short(painters: Painters) -> None:
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in range(12):
            refused(gpu, number % 4)
            assert painters.rests_for(url) <= 15
            end_pauses(painters)


def test_a_proven_suspect_is_no_reason_to_close_a_painter(painters: Painters) -> None:
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        for _ in range(5):
            for number in (1, 2, 3):
                refused(gpu, number)
                gpu.paint(order(9))
        assert (painters.ill(), painters.room()) == ([], None)


@pytest.mark.parametrize("knows_contract", [True, False])
def test_of_several_painters_none_is_closed_and_the_order_goes_where_it_is_taken(
    painters: Painters, knows_contract: bool
) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(painter_behind(REFUSALS[kind])) for kind in ("403", "503")]
        urls.append(stack.enter_context(painter_behind(REFUSALS["404"], knows_contract=knows_contract)))
        gpu = GpuClient(tuple(urls), painters=painters)
        assert refused(gpu, 1).counted
        assert (painters.ill(), painters.room()) == ([], None)
        open_one = stack.enter_context(serving(ScriptedPainter(Said(200, answer()))))
        assert GpuClient((*urls, open_one), painters=painters).paint(order(1, suspect=True)).model == "m"


def test_what_is_known_of_suspects_may_be_wiped(painters: Painters, queue: WorkQueue) -> None:
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,), painters=painters)
        refused(gpu, 1)
        gpu.paint(order(2))
        queue.connection.flushdb()
        assert not refused(gpu, 1).counted, "nothing is known any more"
        gpu.paint(order(2))
        assert refused(gpu, 1).counted


def test_without_the_queue_nobody_is_blamed_before_it_is_known() -> None:
    with painter_behind(REFUSALS["403"], knows_contract=False) as url:
        gpu = GpuClient((url,))
        gpu.paint(order(2))
        assert [refused(gpu, 1).counted for _ in range(3)] == [False] * 3


# -- other faults that one order may cause


def test_an_order_whose_painter_says_that_others_were_painted_is_no_reason_to_doubt_it(painters: Painters) -> None:
    alone = BadPainter(500, b'{"error": "no picture came out: not_a_number", "only_this": true}', well=True)
    with serving(alone) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in range(6):
            with pytest.raises(TryLater, match="gpu_failed") as caught:
                gpu.paint(order(number))
            assert caught.value.counted
        assert (painters.ill(), painters.room()) == ([], None)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_who_looks_whether_a_painter_is_back_is_not_the_one_it_failed_with(
    painters: Painters, engine: Engine, line: Line, queue: WorkQueue
) -> None:
    poison = [make_creation(engine, with_post=False, turn=n) for n in range(3)]
    innocent = make_creation(engine, with_post=False, turn=9)
    with serving(BadPainter(500, well=True)) as url:
        gpu = GpuClient((url,), painters=painters)
        for number in poison:
            with pytest.raises(TryLater):
                gpu.paint(order(number))
    end_pauses(painters)
    assert line.call_up(PAINT) == 1
    assert queue.waiting(PAINT) == {innocent}


# -- with creations


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("knows_contract", [True, False])
def test_a_refused_creation_ends_with_a_reason_of_its_own_and_all_others_are_painted(
    engine: Engine,
    painters: Painters,
    x: SandboxX,
    storage: FolderStorage,
    line: Line,
    settings: WorkSettings,
    knows_contract: bool,
) -> None:
    with painter_behind(REFUSALS["403"], knows_contract=knows_contract, paints=True) as url:
        gpu = GpuClient((url,), painters=painters)
        step = PaintStep(engine, gpu, x.client(), storage, line, settings, load(MoneySettings), Manners())
        suspect = make_creation(engine, with_post=False, prompt=SUSPECT)
        others = [make_creation(engine, with_post=False) for _ in range(settings.paint_attempts + 1)]
        for number in others:
            _work(step, suspect)
            _work(step, number)
            make_due(engine)
        row = read_creation(engine, suspect)
        assert (row.state, row.code) == (State.FAILED, "gpu_refused")
        assert {read_creation(engine, number).state for number in others} == {State.PAINTED}
    assert "this prompt" in in_words("gpu_refused")
    told = "\n".join(report(engine, line.queue, line.pace, load(MoneySettings)))
    assert "gpu_refused" in told
    assert "GPU_TOKEN" not in told


def end_pauses(painters: Painters) -> None:
    assert painters.queue is not None
    redis: Any = painters.queue.connection
    redis.delete("painters:closed", *redis.scan_iter("painter:rest:*"), *redis.scan_iter("painter:probe:*"))
