"""Enqueue creations in RQ. Only this module and `worker/` import RQ and redis.

If the queue is lost, `worker/recovery.py` refills it from the database. A job is JSON: the name of a function and an
id. Each job has its own name: a creation may be enqueued twice until a worker leases its row, and RQ cleans up by name.
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import LockError, RedisError
from redis.lock import Lock
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from core.errors import TryLater
from core.outage import QUEUE, outages

# Most urgent first: a reply that is ready goes before the next picture, and smaller copies can wait for both.
REPLY = "reply"
PAINT = "paint"
AVIF = "avif"
QUEUES = (REPLY, PAINT, AVIF)

# Dotted names, so that the bot does not import the worker. A test resolves them.
JOBS = {PAINT: "worker.jobs.paint", REPLY: "worker.jobs.reply", AVIF: "worker.jobs.make_avif_copies"}

FAILED_JOB_TTL = 7 * 24 * 3600
# Seconds. Ends a job that is stuck despite its own timeouts. The lease on its row has expired long before.
JOB_TIMEOUT = 1900
# A job that a worker takes has leased its row so many seconds after it was dispatched, unless it waited in the queue.
LEASING_SECONDS = 10.0
# How long a process may dispatch alone, and how long another one waits for it.
DISPATCH_SECONDS, DISPATCH_WAIT_SECONDS = 5.0, 1.0

Params = ParamSpec("Params")
Result = TypeVar("Result")


def translate_redis_errors(call: Callable[Params, Result]) -> Callable[Params, Result]:
    """Raise TryLater("queue_away") instead of redis errors, and report the outage once."""

    @wraps(call)
    def wrapped(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            result = call(*args, **kwargs)
        except (RedisError, OSError) as error:
            outages.record_failure(QUEUE, error)
            raise TryLater("queue_away", str(error), counted=False) from error
        outages.record_success(QUEUE)
        return result

    return wrapped


@dataclass(frozen=True)
class QueueState:
    """What is under way for a step.

    queued: ids of creations that no worker has taken yet.
    dispatched: ids of creations that were enqueued within LEASING_SECONDS and whose job has not ended. A worker may
        have taken them and not leased their rows yet.
    workers: how many workers sent a heartbeat within the last minute.
    """

    queued: set[int]
    dispatched: set[int]
    workers: int


class WorkQueue:
    """Creations waiting for a worker, one RQ queue per step. Methods raise TryLater("queue_away") if redis is down."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    @translate_redis_errors
    def enqueue(self, step: str, creation_ids: Collection[int]) -> None:
        """Enqueue creations for a step (one of `QUEUES`), in the given order. Enqueuing one twice is harmless."""
        queue = Queue(step, connection=self.connection, serializer=JSONSerializer)
        jobs = [
            Queue.prepare_data(
                JOBS[step],
                args=(creation_id,),
                job_id=f"{step}-{creation_id}-{secrets.token_hex(4)}",
                description=f"{step} creation {creation_id}",
                timeout=JOB_TIMEOUT,
                result_ttl=0,
                failure_ttl=FAILED_JOB_TTL,
            )
            for creation_id in creation_ids
        ]
        if jobs:
            with self.connection.pipeline() as pipe:
                pipe.zadd(_dispatched_key(step), dict.fromkeys(map(str, creation_ids), time.time()))
                queue.enqueue_many(jobs, pipeline=pipe)
                pipe.execute()

    @contextmanager
    def dispatching(self, step: str) -> Iterator[bool]:
        """Yield whether this process may dispatch the step: one at a time, so that none is enqueued twice.

        If a process dies meanwhile, the others may go on after DISPATCH_SECONDS.
        """
        lock = self.connection.lock(
            f"dispatching:{step}", timeout=DISPATCH_SECONDS, sleep=0.01, blocking_timeout=DISPATCH_WAIT_SECONDS
        )
        is_acquired = _acquire(lock)
        try:
            yield is_acquired
        finally:
            if is_acquired:
                _release(lock)

    @translate_redis_errors
    def load_state(self, step: str, *, done: int | None = None) -> QueueState:
        """Return what is under way for a step, in one round trip.

        done: the creation whose job ends: it may be dispatched again.
        """
        dispatched_key = _dispatched_key(step)
        with self.connection.pipeline() as pipe:
            pipe.zremrangebyscore(dispatched_key, "-inf", time.time() - LEASING_SECONDS)
            pipe.zrem(dispatched_key, done or 0)
            pipe.zrange(dispatched_key, 0, -1)
            pipe.lrange(Queue(step, connection=self.connection).key, 0, -1)
            pipe.scard(Worker.redis_workers_keys)
            _, _, dispatched, queued, workers = pipe.execute()
        ids = {
            creation_id for name in queued if (creation_id := creation_id_of(name.decode(errors="replace"))) is not None
        }
        return QueueState(ids, set(map(int, dispatched)), int(workers))

    def queued_ids(self, step: str) -> set[int]:
        """Return ids of creations in the queue of a step that no worker has taken yet."""
        return self.load_state(step).queued

    @translate_redis_errors
    def count_workers(self) -> int:
        """Return how many workers sent a heartbeat within the last minute."""
        return int(Worker.count(connection=self.connection))

    @translate_redis_errors
    def ping(self) -> None:
        """Raise unless the server answers."""
        self.connection.ping()


@translate_redis_errors
def _acquire(lock: Lock) -> bool:
    return bool(lock.acquire())


@translate_redis_errors
def _release(lock: Lock) -> None:
    with suppress(LockError):  # it took so long that another process went on
        lock.release()


def _dispatched_key(step: str) -> str:
    return f"dispatched:{step}"


def creation_id_of(name: str) -> int | None:
    """Return the creation id in a job name, 17 for `paint-17-3f9c2a10`. None for another name."""
    number = name.split("-")[1:2]
    return int(number[0]) if number and number[0].isascii() and number[0].isdigit() else None


def open_queue(url: str) -> WorkQueue:
    """Return the queue at `url` (`redis://...` or `unix://...`). It connects on first use, and reconnects."""
    connection = Redis.from_url(
        url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(ConstantBackoff(0.2), 2), health_check_interval=30
    )
    return WorkQueue(connection)
