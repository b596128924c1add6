"""The queue on a real server: ids go in, jobs are found by their dotted names, a lost server is TryLater."""

import importlib
from pathlib import Path

import pytest

from core.errors import TryLater
from core.queue import JOBS, PAINT, QUEUES, REPLY, WorkQueue, open_queue


def test_it_keeps_the_order_in_which_creations_came(queue: WorkQueue) -> None:
    queue.put(PAINT, [3, 1, 2])
    assert queue.waiting(PAINT) == {1, 2, 3}
    ids = [raw.decode() for raw in queue.connection.lrange("rq:queue:paint", 0, -1)]
    assert ids == ["paint-3", "paint-1", "paint-2"]


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
