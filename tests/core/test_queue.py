"""The queue on a real server: order, job names, one queue per step, and TryLater if the server is unreachable."""

import importlib
import time
from pathlib import Path

import pytest
from rq import Queue

from core.errors import TryLater
from core.queue import (
    JOBS,
    LEASING_SECONDS,
    PAINT,
    QUEUES,
    REPLY,
    STARTED_TTL,
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


def test_started_jobs_are_known_until_they_must_have_leased_their_row(queue: WorkQueue) -> None:
    registry = Queue(PAINT, connection=queue.connection).started_job_registry.key
    for age, creation_id in ((0, 3), (LEASING_SECONDS - 1, 4), (LEASING_SECONDS + 1, 5)):
        queue.connection.zadd(registry, {f"paint-{creation_id}-a0b1c2d3:e": time.time() + STARTED_TTL - age})
    assert queue.started_ids(PAINT) == {3, 4}
    assert queue.started_ids(REPLY) == set()


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
