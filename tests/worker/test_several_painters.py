"""Several painters: the preferred one first, the next where it fails; who fails rests for all workers."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

import httpx
import pytest
from sqlalchemy import Engine, func, select

from core.database import reading
from core.errors import Refused, TryLater
from core.line import Line
from core.models import State, pictures
from core.painters import Painters
from core.queue import PAINT, WorkQueue, creation_of
from core.settings import MoneySettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.painter import BadPainter, Said, ScriptedPainter, answer
from tests.support.rows import make_creation, make_due, make_person, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import free_port, process, serving, wait_until
from worker import gpu_client
from worker.gpu_client import GpuClient, Order
from worker.jobs import _work
from worker.manners import Manners
from worker.painter import call
from worker.painting import PaintStep

ORDER = Order("a red fox", seeds=(42,), creation_id=1)
GOOD = Said(200, answer())


@pytest.fixture
def painters(queue: WorkQueue) -> Painters:
    return Painters(queue)


@contextmanager
def clients(painters: Painters, *apps: object, timeout: float = 20.0) -> Iterator[GpuClient]:
    """A client of these painters; None is one that is not there."""
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(app)) if app else f"http://127.0.0.1:{free_port()}" for app in apps]
        yield GpuClient(tuple(urls), "secret", timeout, painters)


def test_the_first_is_preferred(painters: Painters) -> None:
    first, second = ScriptedPainter(GOOD), ScriptedPainter(GOOD)
    with clients(painters, first, second) as gpu:
        for _ in range(3):
            gpu.paint(ORDER)
    assert (len(first.heard), len(second.heard)) == (3, 0)


@pytest.mark.parametrize(
    "first",
    [
        None,
        BadPainter(401),
        BadPainter(404),
        BadPainter(429, retry_after="30"),
        BadPainter(500),
        BadPainter(503),
        BadPainter(200, b"garbage"),
        ScriptedPainter(Said(200, answer(), cut=True)),
    ],
)
def test_the_next_one_paints_what_the_first_does_not(painters: Painters, first: object) -> None:
    second = ScriptedPainter(GOOD)
    with clients(painters, first, second) as gpu:
        assert gpu.paint(ORDER).model == "m"
    assert len(second.heard) == 1


def test_who_says_nothing_at_all_leaves_the_next_one_its_share_of_the_time(
    painters: Painters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_client, "PATIENCE", 0.0)
    silent, second = ScriptedPainter(Said(200, answer(), first=60)), ScriptedPainter(GOOD)
    with clients(painters, silent, second, timeout=6.0) as gpu:
        assert gpu.paint(ORDER).model == "m"
    assert silent.most_at_once == second.most_at_once == 1


def test_who_said_that_it_goes_on_keeps_all_of_the_time(painters: Painters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_client, "PATIENCE", 0.0)
    goes_on = Said(303, b"", {"Location": "/v1/paint?id=1"})
    slow, second = ScriptedPainter(goes_on, Said(200, answer(), first=3.5)), ScriptedPainter(GOOD)
    with clients(painters, slow, second, timeout=6.0) as gpu:
        gpu.paint(ORDER)
    assert (len(slow.heard), len(second.heard)) == (2, 0)


def test_who_failed_is_left_alone_by_all_workers(painters: Painters) -> None:
    busy, second = BadPainter(503, retry_after="60"), ScriptedPainter(GOOD)
    with clients(painters, busy, second) as gpu:
        for _ in range(5):
            gpu.paint(ORDER)
            GpuClient(gpu.urls, "secret", 20.0, Painters(painters.queue)).paint(ORDER)
    assert (busy.calls, len(second.heard)) == (1, 10)


def test_it_is_tried_again_after_its_rest_and_then_preferred_again(painters: Painters) -> None:
    first = ScriptedPainter(Said(503, b"", {"Retry-After": "1"}), GOOD)
    second = ScriptedPainter(GOOD)
    with clients(painters, first, second) as gpu:
        gpu.paint(ORDER)
        time.sleep(1.1)
        gpu.paint(ORDER)
        gpu.paint(ORDER)
    assert (len(first.heard), len(second.heard)) == (3, 1)


def test_after_its_rest_one_order_tries_it_and_the_others_do_not_wait(painters: Painters) -> None:
    first = ScriptedPainter(Said(503, b"", {"Retry-After": "1"}), Said(200, answer(), first=1.0), GOOD)
    second = ScriptedPainter(GOOD)
    with clients(painters, first, second) as gpu:
        gpu.paint(ORDER)
        time.sleep(1.1)
        threads = [threading.Thread(target=gpu.paint, args=(ORDER,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (first.most_at_once, len(first.heard)) == (1, 2)


def test_an_order_that_breaks_all_painters_takes_none_of_them_out(painters: Painters) -> None:
    poisoned = [BadPainter(500, well=True), BadPainter(500, well=True)]
    with clients(painters, *poisoned) as gpu:
        for _ in range(6):
            with pytest.raises(TryLater, match="gpu_failed") as caught:
                gpu.paint(ORDER)
            assert caught.value.counted
    assert [painter.calls for painter in poisoned] == [6, 6]


def test_a_painter_that_breaks_at_every_order_rests(painters: Painters) -> None:
    broken, second = BadPainter(500, well=True), ScriptedPainter(GOOD)
    with clients(painters, broken, second) as gpu:
        for number in range(9):
            gpu.paint(Order("a fox", seeds=(42,), creation_id=number))
    assert (broken.calls, len(second.heard)) == (3, 9)


def test_what_all_refuse_is_refused_and_that_is_no_failure(painters: Painters) -> None:
    both = BadPainter(422), BadPainter(422)
    with clients(painters, *both) as gpu:
        for number in range(5):
            with pytest.raises(Refused):
                gpu.paint(Order("a fox", seeds=(42,), creation_id=number))
    assert [painter.calls for painter in both] == [5, 5]


def test_what_the_preferred_one_cannot_paint_another_may(painters: Painters) -> None:
    second = ScriptedPainter(GOOD)
    with clients(painters, BadPainter(422), second) as gpu:
        assert gpu.paint(ORDER).model == "m"
    assert painters.ill() == []


@pytest.mark.parametrize(("away", "code"), [(BadPainter(503, retry_after="30"), "gpu_busy"), (None, "gpu_down")])
def test_what_one_cannot_paint_waits_for_one_that_is_away(painters: Painters, away: object, code: str) -> None:
    lesser = ScriptedPainter(Said(422, b'{"errors": [{"field": "init_image", "reason": "paints from text only"}]}'))
    with clients(painters, away, lesser) as gpu:
        for expected in (code, "gpu_resting"):
            with pytest.raises(TryLater, match=expected) as caught:
                gpu.paint(ORDER)
            assert not caught.value.counted
            assert caught.value.after > 1
        assert "paints from text only" in str(caught.value)
        # The others go on with what it can paint.
        assert painters.room() is None
    painters.forget()


# -- a painter in doubt is asked how it is


@pytest.mark.parametrize(
    "health",
    [Said(502, b"<html>"), Said(504), Said(521), Said(503, b'{"status": "broken"}'), Said(200, cut=True, body=b"{}")],
)
def test_what_stands_before_a_painter_costs_one_try_then_none_however_long_it_lasts(
    painters: Painters, health: Said
) -> None:
    gate = ScriptedPainter(Said(502, b"<html>"), health=health)
    with clients(painters, gate) as gpu:
        counted = []
        for _ in range(4):
            with pytest.raises(TryLater) as caught:
                gpu.paint(ORDER)
            counted.append(caught.value.counted)
            _end_rests(painters)
    assert counted == [True, False, False, False]
    assert (len(gate.heard), len(gate.looks)) == (1, 3)


def test_an_order_that_kills_its_painter_again_and_again_is_counted_each_time(painters: Painters) -> None:
    fragile = ScriptedPainter(Said(502))
    with clients(painters, fragile) as gpu:
        for _ in range(4):
            with pytest.raises(TryLater) as caught:
                gpu.paint(ORDER)
            assert caught.value.counted
    assert (len(fragile.heard), len(fragile.looks)) == (4, 3)


def test_a_painter_that_hangs_rests_once_it_does_not_even_say_how_it_is(
    painters: Painters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_client, "PATIENCE", 0.0)
    monkeypatch.setattr(call, "LOOK_SECONDS", 0.3)
    hangs, second = ScriptedPainter(Said(200, answer(), first=60), health=Said(first=60)), ScriptedPainter(GOOD)
    with clients(painters, hangs, second, timeout=5.0) as gpu:
        for number in range(4):
            gpu.paint(Order("a fox", seeds=(42,), creation_id=number))
    assert (len(hangs.heard), len(second.heard)) == (1, 4)
    assert hangs.looks
    assert len(painters.ill()) == 1


def test_a_painter_that_knows_no_health_is_ordered_from_all_the_same(painters: Painters) -> None:
    plain = ScriptedPainter(Said(500), GOOD, health=Said(404))
    with clients(painters, plain) as gpu:
        with pytest.raises(TryLater):
            gpu.paint(ORDER)
        assert gpu.paint(ORDER).model == "m"
        gpu.paint(ORDER)
    assert len(plain.looks) == 1, "all is well again"


def _end_rests(painters: Painters) -> None:
    assert painters.queue is not None
    for pattern in ("painter:rest:*", "painter:probe:*"):
        for key in painters.queue.connection.scan_iter(pattern):
            painters.queue.connection.delete(key)


def test_where_all_rest_it_is_told_when_the_first_is_due_and_nobody_is_called(painters: Painters) -> None:
    away = [BadPainter(503, retry_after="40"), BadPainter(503, retry_after="20")]
    with clients(painters, *away) as gpu:
        for code in ("gpu_busy", "gpu_resting", "gpu_resting"):
            with pytest.raises(TryLater) as caught:
                gpu.paint(ORDER)
            assert (caught.value.code, caught.value.counted) == (code, False)
            assert 18 < caught.value.after <= 20
    assert [painter.calls for painter in away] == [1, 1]


def test_without_the_queue_all_are_tried_each_time() -> None:
    second = ScriptedPainter(GOOD)
    with clients(Painters(None), None, second) as gpu:
        for _ in range(3):
            gpu.paint(ORDER)
    assert len(second.heard) == 3


# -- with creations


@pytest.fixture
def step(
    engine: Engine, painters: Painters, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings
) -> PaintStep:
    gpu = GpuClient((f"http://127.0.0.1:{free_port()}",), timeout=5, painters=painters)
    return PaintStep(engine, gpu, x.client(), storage, line, settings, load(MoneySettings), Manners())


def test_while_the_painter_is_away_nobody_is_called_up_and_nothing_is_hammered(
    step: PaintStep, engine: Engine, queue: WorkQueue, line: Line
) -> None:
    waiting = [make_creation(engine, with_post=False) for _ in range(30)]
    _work(step, waiting[0])
    queue.connection.delete("rq:queue:paint")
    row = read_creation(engine, waiting[0])
    assert (row.state, row.attempts, row.last_error) == (State.QUEUED, 0, "gpu_down: connection refused")
    assert [line.call_up(PAINT) for _ in range(3)] == [0, 0, 0]
    queue.connection.delete("painters:closed")
    assert [line.call_up(PAINT) for _ in range(3)] == [1, 0, 0], "one looks whether it is back"


def test_once_the_painter_is_back_all_go(
    step: PaintStep, engine: Engine, queue: WorkQueue, line: Line, painter: str
) -> None:
    first, *others = [make_creation(engine, with_post=False) for _ in range(4)]
    _work(step, first)
    step.gpu.painters.worked(step.gpu.urls[0])
    make_due(engine)
    assert line.call_up(PAINT) == 4
    back = PaintStep(**{**vars(step), "gpu": GpuClient((painter,), token="secret", painters=step.gpu.painters)})
    for creation_id in (first, *others):
        _work(back, creation_id)
        assert read_creation(engine, creation_id).state == State.PAINTED


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_crowd_waits_out_a_long_absence_and_a_lost_queue_and_is_painted_in_its_order(
    step: PaintStep, engine: Engine, queue: WorkQueue, line: Line, painter: str
) -> None:
    people = [make_person(engine) for _ in range(4)]
    crowd = [make_creation(engine, with_post=False, person_id=people[n % 4], turn=n) for n in range(CROWD)]
    calls = 0
    for moment in range(24):  # each as if the longest pause had gone by
        if moment == 12:
            queue.connection.flushdb()
        calls += _as_workers(line, step)
        queue.connection.delete("painters:closed")
        _end_rests(step.gpu.painters)
        make_due(engine)
    rows = [read_creation(engine, one) for one in crowd]
    assert {(row.state, row.attempts) for row in rows} == {(State.QUEUED, 0)}
    # One look at a time, but for what is called up before anything is known.
    assert calls <= 24 + 2 * 10
    gpu = GpuClient((painter,), token="secret", painters=step.gpu.painters)
    back = PaintStep(**{**vars(step), "gpu": gpu})
    while _as_workers(line, back):
        pass
    rows = [read_creation(engine, one) for one in crowd]
    assert {row.state for row in rows} == {State.PAINTED}
    times = [row.painted_at for row in rows]
    assert times == sorted(times)  # type: ignore[type-var]


CROWD = 30


def _as_workers(line: Line, step: PaintStep) -> int:
    """Do what is called up, as workers would. Returns how many that were."""
    line.call_up(PAINT)
    names = line.queue.connection.lrange("rq:queue:paint", 0, -1)
    line.queue.connection.delete("rq:queue:paint")
    for name in names:
        _work(step, creation_of(name.decode()) or 0)
    return len(names)


@contextmanager
def real_painter(folder: Path, port: int) -> Iterator[Popen[bytes]]:
    """The real service as a process of its own."""
    environment = {"PATH": os.environ["PATH"], "GPU_PORT": str(port), "GPU_TOKEN": "secret", "GPU_ENGINE": "sketch"}
    with process("-m", "gpu", environment=environment, log=folder / f"painter-{port}.log") as running:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200, "no painter", within=40)
        yield running


@pytest.mark.processes
@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # its workers write at the same time
def test_of_two_real_painters_one_may_be_killed_and_nothing_is_lost_or_hangs_twice(
    step: PaintStep, engine: Engine, tmp_path: Path
) -> None:
    one, other = free_port(), free_port()
    urls = (f"http://127.0.0.1:{one}", f"http://127.0.0.1:{other}")
    both = PaintStep(**{**vars(step), "gpu": GpuClient(urls, "secret", 30.0, step.gpu.painters)})
    waiting = [make_creation(engine, with_post=False, count=2) for _ in range(12)]
    todo = iter(list(waiting))
    with real_painter(tmp_path, one) as first, real_painter(tmp_path, other):
        workers = [threading.Thread(target=lambda: [_work(both, each) for each in todo]) for _ in range(3)]
        for worker in workers:
            worker.start()
        wait_until(lambda: _hung(engine) >= 4, "nothing is painted")
        first.kill()
        for worker in workers:
            worker.join(60)
        for creation_id in waiting:  # the sweep's part: what failed is due again
            make_due(engine)
            _work(both, creation_id)
    rows = [read_creation(engine, creation_id) for creation_id in waiting]
    assert {row.state for row in rows} == {State.PAINTED}
    assert _hung(engine) == 2 * len(waiting)


def _hung(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(pictures)).scalar_one())
