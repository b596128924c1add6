"""Kill every process and delete the queue's data during work: each post gets one reply."""

import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from core.models import State
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, forked_demo
from tests.support.process_kills import (
    QUICK,
    delete_queue_data,
    delete_queue_data_and_kill_it,
    kill_gallery,
    kill_gpu_service,
    kill_poller,
    kill_pool,
    kill_queue,
    kill_queue_server,
    kill_workers,
    kill_x,
)
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

DAMAGES = [
    kill_poller,
    kill_workers,
    kill_queue,
    kill_gpu_service,
    delete_queue_data,
    kill_pool,
    kill_queue_server,
    delete_queue_data_and_kill_it,
    kill_gallery,
    kill_workers,
    kill_x,
]

# A kill hits a job that paints, one that uploads and replies, or one whose reply is on X but not yet in a row.
MOMENTS: list[Callable[[Demo], set[str]]] = [
    lambda demo: demo.leases(State.PAINTING),
    lambda demo: demo.leases(State.REPLYING),
    lambda demo: set(demo.answers()),
]


def test_kills_during_work_lose_and_double_no_reply(tmp_path: Path) -> None:
    with forked_demo(tmp_path, **QUICK, **NO_LIMITS_AND_BUDGETS) as demo:
        demo.shorten_windows(20)  # all limits are on
        posted: list[str] = []
        for number, (damage, progress) in enumerate(zip(DAMAGES, cycle(MOMENTS), strict=False)):
            earlier = progress(demo)
            posted += [_post(demo, f"@threadpaint boat {number}-{n} on a calm sea") for n in range(3)]
            wait_until(partial(_is_new, demo, progress, earlier), f"no job got there: {progress}", within=90)
            damage(demo)
            posted.append(_post(demo, f"@threadpaint tower {number} under the moon"))
        wait_until(lambda: set(posted) <= set(demo.answers()), "not all were answered", within=120)
        answered_at = time.monotonic()
        wait_until(lambda: _all_settled(demo), "a creation is stuck", within=90)
        # Until then, a lease that would cause a second reply has expired.
        time.sleep(max(0.0, answered_at + 5 - time.monotonic()))
        state = demo.state()
        assert state["duplicates"] == 0
        assert {post: state["answers"][post] for post in posted} == dict.fromkeys(posted, 1)
        shown = {item["post_id"] for item in demo.creations()}
        assert set(posted) <= shown


def _is_new(demo: Demo, progress: Callable[[Demo], set[str]], earlier: set[str]) -> bool:
    return bool(progress(demo) - earlier)


def _post(demo: Demo, text: str) -> str:
    """Post, and try again while the sandbox is down. A refused connection creates no post."""
    return str(wait_until(lambda: demo.post(text), "the sandbox did not come back"))


def _all_settled(demo: Demo) -> bool:
    health = demo.http.get(f"{demo.gallery}/healthz").json()
    return set(health["states"]) == {"replied"}
