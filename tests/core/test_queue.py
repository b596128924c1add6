"""The queue on a real server: ids go in, jobs are found by their dotted names, a lost server is TryLater."""

import importlib
from pathlib import Path

import pytest

from core.errors import TryLater
from core.queue import JOBS, PAINT, QUEUES, REPLY, WorkQueue, creation_of, open_queue


def test_it_keeps_the_order_in_which_creations_came(queue: WorkQueue) -> None:
    queue.put(PAINT, [3, 1, 2])
    assert queue.waiting(PAINT) == {1, 2, 3}
    names = [raw.decode() for raw in queue.connection.lrange("rq:queue:paint", 0, -1)]
    assert [creation_of(name) for name in names] == [3, 1, 2]


def test_each_job_has_a_name_of_its_own(queue: WorkQueue) -> None:
    for _ in range(2):
        queue.put(PAINT, [3])
    assert len(set(queue.connection.lrange("rq:queue:paint", 0, -1))) == 2


@pytest.mark.parametrize(
    ("name", "number"),
    [("paint-3", 3), ("reply-17-a0b1c2d3", 17), ("paint-x", None), ("paint", None), ("a-\u0663", None)],
)
def test_the_name_of_a_job_tells_its_creation(name: str, number: int | None) -> None:
    assert creation_of(name) == number


def test_each_step_has_its_own_list(queue: WorkQueue) -> None:
    queue.put(REPLY, [7])
    assert queue.waiting(REPLY) == {7}
    assert queue.waiting(PAINT) == set()


def test_nothing_to_enqueue_is_no_call(queue: WorkQueue) -> None:
    queue.put(PAINT, [])
    assert queue.waiting(PAINT) == set()


@pytest.mark.parametrize("step", QUEUES)
def test_the_jobs_it_names_exist(step: str) -> None:
    module, name = JOBS[step].rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))


def test_a_server_that_is_away_is_tried_later(tmp_path: Path) -> None:
    away = open_queue(f"unix://{tmp_path / 'nobody.sock'}")
    for call in (lambda: away.put(PAINT, [1]), lambda: away.waiting(PAINT), away.count_workers, away.ping):
        with pytest.raises(TryLater, match="queue_away") as caught:
            call()
        assert not caught.value.counted
