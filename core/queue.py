"""The queue: names of the jobs, and how a creation gets into it. RQ and redis are known here and in `worker/` only.

The queue holds nothing but work to do. Wiped or lost, `worker/sweeps.py` fills it again from the rows. Jobs are JSON: a
function's name and an id. Each has a name of its own, since two workers can be sent for the same creation (it stands in
the queue again until one of them has claimed its row), and RQ tidies up by name.
"""

import secrets
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

# Most urgent first: an answer that is ready goes out before the next picture is begun.
REPLY = "reply"
PAINT = "paint"
QUEUES = (REPLY, PAINT)

# Named by dotted name, so that the bot never imports the worker. A test resolves them.
JOBS = {PAINT: "worker.jobs.paint", REPLY: "worker.jobs.reply"}

A_WEEK = 7 * 24 * 3600
# Ends a job that hangs in spite of its own timeouts. The claim on its row has long run out by then.
JOB_TIMEOUT = 1900

Given = ParamSpec("Given")
Result = TypeVar("Result")


def translated(call: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let the callers know nothing of redis: its errors become TryLater("queue_away"), and are reported once."""

    @wraps(call)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            result = call(*args, **kwargs)
        except (RedisError, OSError) as error:
            outages.failed(QUEUE, error)
            raise TryLater("queue_away", str(error), counted=False) from error
        outages.works(QUEUE)
        return result

    return wrapped


class WorkQueue:
    """Creations waiting for a worker, one list per step. Every verb raises TryLater("queue_away") when it is down."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    @translated
    def put(self, step: str, creation_ids: Iterable[int]) -> None:
        """Enqueue creations for a step (`PAINT` or `REPLY`), in the order given. Twice does no harm."""
        queue = Queue(step, connection=self.connection, serializer=JSONSerializer)
        jobs = [
            Queue.prepare_data(
                JOBS[step],
                args=(creation_id,),
                job_id=f"{step}-{creation_id}-{secrets.token_hex(4)}",
                description=f"{step} creation {creation_id}",
                timeout=JOB_TIMEOUT,
                result_ttl=0,
                failure_ttl=A_WEEK,
            )
            for creation_id in creation_ids
        ]
        if jobs:
            queue.enqueue_many(jobs)

    @translated
    def waiting(self, step: str) -> set[int]:
        """Ids of the creations that stand in the list of a step and have not been popped by a worker."""
        names = Queue(step, connection=self.connection).job_ids
        return {creation_id for name in names if (creation_id := creation_of(name)) is not None}

    @translated
    def count_workers(self) -> int:
        """Workers that have said within the last minute that they live."""
        return int(Worker.count(connection=self.connection))

    @translated
    def ping(self) -> None:
        """Return if the server answers."""
        self.connection.ping()


def creation_of(name: str) -> int | None:
    """The creation that a job of ours is for: of `paint-17-3f9c2a10` 17. None if the name is none of ours."""
    number = name.split("-")[1:2]
    return int(number[0]) if number and number[0].isascii() and number[0].isdigit() else None


def open_queue(url: str) -> WorkQueue:
    """A queue at `url` (`redis://...` or `unix://...`). Connects on first use only, and again after a break."""
    connection = Redis.from_url(
        url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(ConstantBackoff(0.2), 2), health_check_interval=30
    )
    return WorkQueue(connection)
