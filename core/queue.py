"""Enqueue creations in RQ. Only this module and `worker/` import RQ and redis.

If the queue is lost, `worker/recovery.py` refills it from the database. A job is JSON: the name of a function and an
id. Each job has its own name: a creation may be enqueued twice until a worker leases its row, and RQ cleans up by name.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
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
# RQ's registry of started jobs keeps the entry of a killed worker for so long.
STARTED_TTL = JOB_TIMEOUT + 60
# A job leases its row within this many seconds, unless the database is busy.
LEASING_SECONDS = 5

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


class WorkQueue:
    """Creations waiting for a worker, one RQ queue per step. Methods raise TryLater("queue_away") if redis is down."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    @translate_redis_errors
    def enqueue(self, step: str, creation_ids: Iterable[int]) -> None:
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
            queue.enqueue_many(jobs)

    @translate_redis_errors
    def queued_ids(self, step: str) -> set[int]:
        """Return ids of creations in the queue of a step that no worker has taken yet."""
        names = Queue(step, connection=self.connection).job_ids
        return {creation_id for name in names if (creation_id := creation_id_of(name)) is not None}

    @translate_redis_errors
    def started_ids(self, step: str) -> set[int]:
        """Return ids of creations whose job started within LEASING_SECONDS: it may not have leased its row yet."""
        registry = Queue(step, connection=self.connection).started_job_registry
        # An entry is scored by the time at which it expires.
        earliest = time.time() + STARTED_TTL - LEASING_SECONDS
        entries = self.connection.zrangebyscore(registry.key, earliest, "+inf")
        names = [str(entry, "ascii", "replace") for entry in entries if isinstance(entry, bytes)]
        return {creation_id for name in names if (creation_id := creation_id_of(name)) is not None}

    @translate_redis_errors
    def count_workers(self) -> int:
        """Return how many workers sent a heartbeat within the last minute."""
        return int(Worker.count(connection=self.connection))

    @translate_redis_errors
    def ping(self) -> None:
        """Raise unless the server answers."""
        self.connection.ping()


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
