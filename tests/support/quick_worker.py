"""Run the worker with short pauses after an error, so that a test of an outage sees many retries within a second."""

from core.outage import outages
from worker import queue_outage
from worker.__main__ import cli
from worker.pool_worker import PoolWorker

if __name__ == "__main__":
    outages.calm = 1.0
    queue_outage.POLL_SECONDS = 0.1
    PoolWorker.max_connection_wait_time = 0.1
    cli()
