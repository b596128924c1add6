"""A worker pool whose only job never ends and ignores its timeout: `python -m` with the address of the queue."""

import os
import sys
import threading
import time
from typing import NoReturn

from rq import get_current_job

from core.queue import open_queue
from worker import pool_worker
from worker.job import ValidatedJob
from worker.pool import Pool

QUEUE = "stuck"
JOB = "tests.support.stuck_job.ignore_timeouts"


class StuckJob(ValidatedJob):
    """Accepts the job that ignores its timeout."""

    functions = frozenset({JOB})


def ignore_timeouts(_creation_id: int) -> NoReturn:
    """Record this process in the list `pids`, then ignore every exception."""
    job = get_current_job()
    assert job
    job.connection.rpush("pids", os.getpid())
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue


def main(queue_url: str) -> None:
    """Run one worker, which is killed soon after the job's timeout."""
    pool_worker.KILL_AFTER_SECONDS = pool_worker.HEARTBEAT_SECONDS = 0.2
    Pool(
        [QUEUE],
        connection=open_queue(queue_url).connection,
        num_workers=1,
        job_class=StuckJob,
        recover=wait_for_stop,
    ).start(logging_level="CRITICAL")


def wait_for_stop(stopped: threading.Event) -> None:
    """Do the work of the recovery process: none."""
    stopped.wait()


if __name__ == "__main__":
    main(sys.argv[1])
