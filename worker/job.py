"""Accept only RQ jobs of ours: JSON that names one of our functions and a creation, and nothing else.

Otherwise, anyone who can write to Redis could make workers, which hold X's keys, run arbitrary code. A job that is not
ours, or that an older version wrote, is removed with one log line. The rows are the truth, and the recovery loop
enqueues again what is still to be done.
"""

from typing import ClassVar

from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import Serializer

from core.logs import get_logger
from core.queue import JOBS

log = get_logger(__name__)

# Options of an RQ job that run or call something else.
FORBIDDEN_OPTIONS = (
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "webhooks",
    "repeats_left",
)
MAX_LOGGED_ID_LENGTH = 80


class ValidatedJob(Job):
    """An RQ job that is checked before a worker takes it. RQ offers no hook between reading a job and running it."""

    functions: ClassVar[frozenset[str]] = frozenset(JOBS.values())

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Serializer | None = None) -> Job:
        """Return a job of ours. Any other is removed, and raises NoSuchJobError, which RQ passes over."""
        try:
            job = super().fetch(id, connection, serializer)
            reason = _rejection_reason(job, cls.functions)
        except NoSuchJobError:
            raise
        except Exception as error:
            reason = f"it cannot be read ({type(error).__name__})"
        if not reason:
            return job
        log.warning("job removed from the queue", job=id[:MAX_LOGGED_ID_LENGTH], reason=reason)
        if connection is not None:
            connection.delete(cls.key_for(id))
        raise NoSuchJobError(reason)

    def get_status(self, refresh: bool = True) -> JobStatus:
        """Return the last known status if the queue was emptied meanwhile: RQ would call the job failed."""
        try:
            return super().get_status(refresh)
        except InvalidJobOperation:
            return super().get_status(refresh=False) or JobStatus.FINISHED


def _rejection_reason(job: Job, functions: frozenset[str]) -> str:
    if job.func_name not in functions or job.instance is not None or job.kwargs:
        return "it names no function of ours"
    if len(job.args) != 1 or type(job.args[0]) is not int:
        return "it names no creation"
    fields = job.to_dict(include_meta=False, include_result=False)
    options = [name for name in FORBIDDEN_OPTIONS if fields.get(name)]
    return f"it has {options[0]}" if options else ""
