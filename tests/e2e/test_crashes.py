"""kill -9 of every process, and the loss of the queue's data, in the middle of work: all answered, none twice."""

import shutil
import time
from pathlib import Path

import pytest

from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

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


BLOWS = [
    kill_poller,
    kill_worker_and_its_job,
    kill_queue,
    kill_painter,
    lose_the_queue,
    kill_pool,
    kill_queue_keeper,
    lose_the_queue_and_kill_it,
    kill_gallery,
    kill_worker_and_its_job,
    kill_x,
]


def test_whatever_is_killed_in_the_middle_all_are_answered_none_twice_none_lost(tmp_path: Path) -> None:
    with running_house(tmp_path, **QUICK, **OPEN_HANDED) as house:
        house.shorten_windows(20)  # all limits are on
        posted: list[str] = []
        for number, blow in enumerate(BLOWS):
            posted += [_post(house, f"@threadpaint boat {number}-{n} on a calm sea") for n in range(6)]
            time.sleep(0.4)
            blow(house)
            posted += [_post(house, f"@threadpaint tower {number}-{n} under the moon") for n in range(3)]
            time.sleep(0.8)
        wait_until(lambda: set(posted) <= set(house.answers()), "not all were answered", within=120)
        time.sleep(5)  # whatever would answer a second time has had its lease
        state = house.state()
        assert state["duplicates"] == 0
        assert {post: state["answers"][post] for post in posted} == dict.fromkeys(posted, 1)
        wait_until(lambda: _all_settled(house), "a creation is stuck", within=30)
        shown = {item["post_id"] for item in house.creations()}
        assert set(posted) <= shown


def _post(house: House, text: str) -> str:
    """Post, also while X itself is down. A refused connection was never a post."""
    return str(wait_until(lambda: house.post(text), "the sandbox did not come back"))


def _all_settled(house: House) -> bool:
    health = house.http.get(f"{house.gallery}/healthz").json()
    return set(health["states"]) == {"replied"}
