"""Hostile init images against a service in its own process: used or rejected, within limits."""

from __future__ import annotations

import base64
import functools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpu.api.contract import MAX_BODY_BYTES
from tests.support import hostile_images
from tests.support.gpu_requests import REQUEST
from tests.support.servers import free_port, process, wait_until

# Maximum of memory that init images may add to the service.
GROWTH_MB = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc"),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    """Yield the address of a warmed-up sketch service, and a function for its peak memory in MB."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}
    with process("-m", "gpu", "--port", str(port), environment=environment) as child:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter did not start")
        status = Path(f"/proc/{child.pid}/status")

        def megabytes(name: str) -> float:
            [line] = [line for line in status.read_text().splitlines() if line.startswith(name)]
            return int(line.split()[1]) / 1024

        assert generate(url, hostile_images.gif_of_300_frames()) == 200
        before = megabytes("VmRSS")
        yield url, lambda: megabytes("VmHWM") - before
        assert httpx.get(f"{url}/healthz").status_code == 200


@functools.cache
def client() -> Any:
    """Share one client, because creating one takes longer than reading most images."""
    return httpx.Client(timeout=60)


def generate(url: str, data: Any) -> Any:
    return send(url, body_with(data))


def body_with(data: Any) -> Any:
    return json.dumps(REQUEST | {"init_image": base64.b64encode(data).decode()}).encode()


def send(url: str, body: object) -> Any:
    return client().post(f"{url}/v1/paint", content=body).status_code


def paint_at_once(url: str, data: Any, times: Any) -> Any:
    body = body_with(data)
    with ThreadPoolExecutor(times) as callers:
        return list(callers.map(lambda _: send(url, body), range(times)))


def test_every_odd_file_is_used_or_rejected(service: Any, material: Path) -> None:
    url, growth = service
    files = [path for folder in sorted(material.glob("img-*")) for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        pytest.skip("no pictures in the test material")
    seen = {}
    for path in files:
        data = path.read_bytes()
        seen[path] = generate(url, data)
        allowed = (200, 422) if len(data) * 4 / 3 + 200 < MAX_BODY_BYTES else (413,)
        assert seen[path] in allowed, path
    assert set(seen.values()) >= {200, 422}
    assert growth() < GROWTH_MB


# The images that take the most memory; test_encoding.py has the others.
@pytest.mark.parametrize(
    "name", ["png_of_16_megapixels", "webp_of_26_megapixels", "jpeg_of_67_megapixels", "jpeg_of_many_segments"]
)
def test_four_of_the_same_bomb_at_once_stay_within_bounds(service: Any, name: str) -> None:
    url, growth = service
    answers = paint_at_once(url, getattr(hostile_images, name)(), 4)
    assert set(answers) <= {200, 422}
    assert growth() < GROWTH_MB


def test_the_largest_bodies_stay_within_the_memory_budget(service: Any) -> None:
    url, growth = service
    largest = hostile_images.png_of_16_megapixels().ljust(10 * 1024 * 1024, b"\0")
    answers = paint_at_once(url, largest, 24)
    assert set(answers) <= {200, 429} and 200 in answers
    assert growth() < GROWTH_MB


def test_a_decompression_bomb_does_not_delay_text_requests(service: Any) -> None:
    url, _ = service
    with ThreadPoolExecutor(4) as callers:
        slow = [callers.submit(generate, url, hostile_images.gif_of_a_long_comment()) for _ in range(4)]
        painted = [httpx.post(f"{url}/v1/paint", json=REQUEST, timeout=60).status_code for _ in range(3)]
        assert painted == [200] * 3
        assert {one.result() for one in slow} == {422}
