"""kill -9 of every process, and the loss of the queue's data, in the middle of work: all answered, none twice."""

import time
from pathlib import Path

import pytest

from tests.support.blows import (
    QUICK,
    kill_gallery,
    kill_painter,
    kill_poller,
    kill_pool,
    kill_queue,
    kill_queue_keeper,
    kill_worker_and_its_job,
    kill_x,
    lose_the_queue,
    lose_the_queue_and_kill_it,
)
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

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
