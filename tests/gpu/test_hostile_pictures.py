"""Start pictures of strangers against the service as a process of its own: painted from or refused, in bounds."""

from __future__ import annotations

import base64
import functools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gpu.web.contract import MAX_BODY_BYTES
from tests.support import bombs
from tests.support.asking import ASKED
from tests.support.servers import free_port, process, wait_until

# The bound that the service promises on what start pictures add to its memory.
GROWTH_MB = 600

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")


@pytest.fixture(scope="module")
def painter():
    """The address of a sketch painter with a small picture behind it, and a reading of its memory's peak in MB."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}
    with process("-m", "gpu", "--port", str(port), environment=environment) as child:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter did not start")
        status = Path(f"/proc/{child.pid}/status")

        def megabytes(name):
            [line] = [line for line in status.read_text().splitlines() if line.startswith(name)]
            return int(line.split()[1]) / 1024

        assert paint(url, bombs.gif_of_300_frames()) == 200
        before = megabytes("VmRSS")
        yield url, lambda: megabytes("VmHWM") - before
        assert httpx.get(f"{url}/healthz").status_code == 200


@functools.cache
def client():
    """One for all: making one takes longer than reading most pictures."""
    return httpx.Client(timeout=60)


def paint(url, data):
    return send(url, body_with(data))


def body_with(data):
    return json.dumps(ASKED | {"init_image": base64.b64encode(data).decode()}).encode()


def send(url, body):
    return client().post(f"{url}/v1/paint", content=body).status_code


def paint_at_once(url, data, times):
    body = body_with(data)
    with ThreadPoolExecutor(times) as callers:
        return list(callers.map(lambda _: send(url, body), range(times)))


def test_every_odd_file_of_the_test_material_is_painted_from_or_refused(painter, material):
    url, growth = painter
    files = [path for folder in sorted(material.glob("img-*")) for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        pytest.skip("no pictures in the test material")
    seen = {}
    for path in files:
        data = path.read_bytes()
        seen[path] = paint(url, data)
        allowed = (200, 422) if len(data) * 4 / 3 + 200 < MAX_BODY_BYTES else (413,)
        assert seen[path] in allowed, path
    assert set(seen.values()) >= {200, 422}
    assert growth() < GROWTH_MB


# Those that take the most memory of all in `bombs`; the others are met in test_encoding.py.
@pytest.mark.parametrize(
    "name", ["png_of_16_megapixels", "webp_of_26_megapixels", "jpeg_of_67_megapixels", "jpeg_of_many_segments"]
)
def test_four_of_the_same_bomb_at_once_stay_within_bounds(painter, name):
    url, growth = painter
    answers = paint_at_once(url, getattr(bombs, name)(), 4)
    assert set(answers) <= {200, 422}
    assert growth() < GROWTH_MB


def test_a_crowd_with_the_largest_bodies_is_let_in_as_far_as_memory_goes(painter):
    url, growth = painter
    largest = bombs.png_of_16_megapixels().ljust(10 * 1024 * 1024, b"\0")
    answers = paint_at_once(url, largest, 24)
    assert set(answers) <= {200, 429} and 200 in answers
    assert growth() < GROWTH_MB


def test_a_bomb_in_the_making_holds_up_no_text(painter):
    url, _ = painter
    with ThreadPoolExecutor(4) as callers:
        slow = [callers.submit(paint, url, bombs.gif_of_a_long_comment()) for _ in range(4)]
        painted = [httpx.post(f"{url}/v1/paint", json=ASKED, timeout=60).status_code for _ in range(3)]
        assert painted == [200] * 3
        assert {one.result() for one in slow} == {422}
