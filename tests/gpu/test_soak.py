"""A short day of mixed requests at a real server process around a tiny model. The long one is tests/bench/soak.py."""

from __future__ import annotations

import asyncio
import time

import pytest

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

import httpx

from tests.bench.painter.asks import a_day
from tests.bench.painter.hosting import painters
from tests.bench.painter.soaking import soak
from tests.bench.soak import SERVICE, TOKEN

COUNT = 600


@pytest.mark.timeout(180)
def test_of_a_crowd_nobody_is_lost_and_nobody_gets_anothers_picture(tmp_path):
    with painters(tmp_path, [SERVICE]) as running:
        [url] = running.addresses(time.monotonic() + 90)
        tally = asyncio.run(soak(url, running.process.pid, a_day(None), count=COUNT, callers=40, token=TOKEN))
        health = httpx.get(f"{url}/healthz", trust_env=False)
    assert tally.done == COUNT
    assert tally.lost == [] and tally.unexpected == []
    assert tally.judged > COUNT / 2 and tally.wrong == 0 and tally.unchecked == 0
    assert tally.nearest_other > 4 * max(1, tally.farthest), "the comparison would not notice a swap"
    assert tally.full > 0, "the queue was never full: that was not tried"
    assert health.json() | {"queue": 0} == health.json() and health.status_code == 200
    # Nothing to say of small leaks in so short a time; every picture kept would show.
    assert tally.memory(COUNT - 100, COUNT) < tally.memory(0, 100) * 1.3
