"""The queue on a real server: order, job names, one queue per step, and TryLater if the server is unreachable."""

import importlib
from pathlib import Path

import pytest

from core.errors import TryLater
from core.queue import (
    JOBS,
    LEASING_SECONDS,
    PAINT,
    QUEUES,
    REPLY,
    QueueState,
    WorkQueue,
    creation_id_of,
    open_queue,
)


def test_jobs_keep_the_order_of_creations(queue: WorkQueue) -> None:
    queue.enqueue(PAINT, [3, 1, 2])
    assert queue.queued_ids(PAINT) == {1, 2, 3}
    names = [
        str(raw, "ascii") if isinstance(raw, bytes) else raw for raw in queue.connection.lrange("rq:queue:paint", 0, -1)
    ]
    assert [creation_id_of(name) for name in names] == [3, 1, 2]


def test_each_job_has_a_unique_name(queue: WorkQueue) -> None:
    for _ in range(2):
        queue.enqueue(PAINT, [3])
    assert len(set(queue.connection.lrange("rq:queue:paint", 0, -1))) == 2


@pytest.mark.parametrize(
    ("name", "number"),
    [("paint-3", 3), ("reply-17-a0b1c2d3", 17), ("paint-x", None), ("paint", None), ("a-\u0663", None)],
)
def test_the_creation_id_is_parsed_from_the_job_name(name: str, number: int | None) -> None:
    assert creation_id_of(name) == number


def test_each_step_has_its_own_queue(queue: WorkQueue) -> None:
    queue.enqueue(REPLY, [7])
    assert queue.queued_ids(REPLY) == {7}
    assert queue.queued_ids(PAINT) == set()


def test_dispatched_creations_are_known_until_their_job_ends_or_must_have_leased_its_row(queue: WorkQueue) -> None:
    queue.enqueue(PAINT, [3, 4, 5])
    queue.connection.delete("rq:queue:paint")  # workers took them
    queue.connection.zincrby("dispatched:paint", -LEASING_SECONDS, "4")
    assert queue.load_state(PAINT) == QueueState(queued=set(), dispatched={3, 5}, workers=0)
    assert queue.load_state(PAINT, done=3).dispatched == {5}
    assert queue.load_state(REPLY).dispatched == set()


def test_an_empty_list_enqueues_nothing(queue: WorkQueue) -> None:
    queue.enqueue(PAINT, [])
    assert queue.queued_ids(PAINT) == set()


@pytest.mark.parametrize("step", QUEUES)
def test_job_functions_exist(step: str) -> None:
    module, name = JOBS[step].rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))


def test_an_unreachable_server_raises_try_later(tmp_path: Path) -> None:
    away = open_queue(f"unix://{tmp_path / 'nobody.sock'}")
    for call in (lambda: away.enqueue(PAINT, [1]), lambda: away.queued_ids(PAINT), away.count_workers, away.ping):
        with pytest.raises(TryLater, match="queue_away") as caught:
            call()
        assert not caught.value.counted
