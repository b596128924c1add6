"""What can befall a running house: kill -9 of each of its processes, and the loss of its queue."""

import shutil

from tests.support.house import House

# Short leases, so that the test need not wait half a minute for what a dead job held.
QUICK = {
    "LEASE_SECONDS": "4",
    "X_TIMEOUT_SECONDS": "1",
    "SETTLE_SECONDS": "1",
    "RETRY_SECONDS": "0.5",
    "RETRY_LONGEST_SECONDS": "2",
    "REPLY_ATTEMPTS": "50",
    "PAINT_ATTEMPTS": "50",
}


def kill_poller(house: House) -> None:
    house.kill("-m bot")


def kill_worker_and_its_job(house: House) -> None:
    """A worker of the pool with whatever job it runs: the pool itself is the oldest, jobs are the youngest."""
    _pool, *workers = house.processes("-m worker")
    for process in workers[:1] + workers[-1:]:
        process.kill()


def kill_pool(house: House) -> None:
    house.kill("-m worker")


def kill_queue(house: House) -> None:
    house.kill("valkey-server")


def kill_queue_keeper(house: House) -> None:
    house.kill("queue-server")


def kill_painter(house: House) -> None:
    house.kill("-m gpu")


def kill_x(house: House) -> None:
    house.kill("-m sandbox")


def kill_gallery(house: House) -> None:
    house.kill("-m gallery")


def lose_the_queue(house: House) -> None:
    shutil.rmtree(house.data / "queue", ignore_errors=True)


def lose_the_queue_and_kill_it(house: House) -> None:
    house.kill("valkey-server")
    shutil.rmtree(house.data / "queue", ignore_errors=True)
    (house.data / "queue.sock").unlink(missing_ok=True)
