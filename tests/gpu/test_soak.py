"""A short soak test of a real server process with a tiny model. The long one is tests/bench/soak.py."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

import httpx

from tests.bench.gpu_parts.hosting import run_services
from tests.bench.gpu_parts.soak_run import soak
from tests.bench.gpu_parts.workload import create_workload
from tests.bench.soak import SERVICE, TOKEN

pytestmark = pytest.mark.slow

COUNT = 300


@pytest.mark.timeout(180)
def test_a_crowd_loses_and_mixes_up_no_pictures(tmp_path: Path) -> None:
    with run_services(tmp_path, [SERVICE]) as running:
        [url] = running.addresses(time.monotonic() + 90)
        tally = asyncio.run(soak(url, running.process.pid, create_workload(None), count=COUNT, callers=40, token=TOKEN))
        health = httpx.get(f"{url}/healthz", trust_env=False)
    assert tally.done == COUNT
    assert tally.lost == [] and tally.unexpected == []
    assert tally.compared > COUNT / 2 and tally.wrong == 0 and tally.unchecked == 0
    assert tally.nearest_other > 4 * max(1, tally.farthest), "the comparison would not notice a swap"
    assert tally.full > 0, "the queue was never full: that was not tried"
    assert health.json() | {"queue": 0} == health.json() and health.status_code == 200
    # Too short to show small leaks, but a leak of whole pictures would show.
    assert tally.memory(COUNT - 100, COUNT) < tally.memory(0, 100) * 1.3
