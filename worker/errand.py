"""RQ's job as our workers take it: JSON that names one of our two functions and a creation, and nothing else.

Whoever can write to Redis could otherwise have workers, which hold X's keys, run what they like. A job that is not
ours, or that an older version wrote, is removed with one line in the log: the rows are the truth, and the sweep sends
again what is still to be done.
"""

from typing import Any, ClassVar

from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import Serializer

from core.logs import get_logger
from core.queue import JOBS

log = get_logger(__name__)

# What RQ can hang onto a job: each would run or call something of its own.
EXTRAS = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks", "repeats_left")


class Errand(Job):
    """A job of ours."""

    functions: ClassVar[frozenset[str]] = frozenset(JOBS.values())

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Serializer | None = None) -> Job:
        """As RQ, for jobs of ours. Any other is removed: NoSuchJobError, which RQ passes over."""
        try:
            job = super().fetch(id, connection, serializer)
            why = _why_not_ours(job, cls.functions)
        except NoSuchJobError:
            raise
        except Exception as error:
            why = f"it cannot be read ({type(error).__name__})"
        if not why:
            return job
        log.warning("job removed from the queue", job=id[:80], why=why)
        if connection is not None:
            connection.delete(cls.key_for(id))
        raise NoSuchJobError(why)

    def get_status(self, refresh: bool = True) -> JobStatus:
        """As RQ, and the last one that is known where the queue was wiped meanwhile: that is no failure of the job."""
        try:
            return super().get_status(refresh)
        except InvalidJobOperation:
            return super().get_status(refresh=False) or JobStatus.FINISHED


def _why_not_ours(job: Job, functions: frozenset[str]) -> str:
    if job.func_name not in functions or job.instance is not None or job.kwargs:
        return "it names no function of ours"
    if len(job.args) != 1 or type(job.args[0]) is not int:
        return "it names no creation"
    kept: dict[str, Any] = job.to_dict(include_meta=False, include_result=False)
    extras = [name for name in EXTRAS if kept.get(name)]
    return f"it has {extras[0]}" if extras else ""
