"""Damage a running demo: kill -9 each of its processes, or delete the data of its queue."""

import shutil

from tests.support.demo import Demo
from tests.support.servers import wait_until

# Short leases, so that a test need not wait half a minute for the lease of a dead job.
QUICK = {
    "LEASE_SECONDS": "4",
    "X_TIMEOUT_SECONDS": "1",
    "REPLY_LOOKUP_DELAY_SECONDS": "1",
    "RETRY_SECONDS": "0.5",
    "RETRY_MAX_SECONDS": "2",
    "REPLY_ATTEMPTS": "50",
    "PAINT_ATTEMPTS": "50",
}


def kill_poller(demo: Demo) -> None:
    demo.kill("-m bot")


def kill_workers(demo: Demo) -> None:
    """Kill the first worker with its job, and the process that was started last: a worker or the recovery process."""
    _pool, *workers = wait_until(lambda: demo.processes("-m worker"), "the pool is not restarted")
    for process in workers[:1] + workers[-1:]:
        process.kill()


def kill_pool(demo: Demo) -> None:
    demo.kill("-m worker")


def kill_queue(demo: Demo) -> None:
    demo.kill("valkey-server")


def kill_queue_server(demo: Demo) -> None:
    demo.kill("queue-server")


def kill_gpu_service(demo: Demo) -> None:
    demo.kill("-m gpu")


def kill_x(demo: Demo) -> None:
    demo.kill("-m sandbox")


def kill_gallery(demo: Demo) -> None:
    demo.kill("-m gallery")


def delete_queue_data(demo: Demo) -> None:
    shutil.rmtree(demo.data / "queue", ignore_errors=True)


def delete_queue_data_and_kill_it(demo: Demo) -> None:
    demo.kill("valkey-server")
    shutil.rmtree(demo.data / "queue", ignore_errors=True)
    (demo.data / "queue.sock").unlink(missing_ok=True)
