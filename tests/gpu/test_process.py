"""`python -m gpu` as a process. Its options and settings are tested in test_command.py."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.processes


def clean_environment() -> Any:
    return {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Start a server on a free port with a token and the test's settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", "gpu", "--port", str(port)],
        cwd=ROOT,
        env=clean_environment() | {"GPU_TOKEN": "s3cret"} | getattr(request, "param", {}),
        stderr=subprocess.PIPE,
        text=True,
    )
    yield child, f"http://127.0.0.1:{port}"
    child.kill()
    child.wait()
    assert child.stderr
    child.stderr.close()


def wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not become healthy")


def test_it_serves_and_stops_within_two_seconds(process: Any) -> None:
    child, url = process
    wait_until_healthy(url)
    asked = {"prompt": "a confidential lake", "seeds": [1], "width": 64, "height": 64}
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 401
    answer = httpx.post(f"{url}/v1/paint", json=asked, headers={"Authorization": "Bearer s3cret"})
    assert answer.json()["model"] == "sketch"
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    child.wait(5)
    assert time.monotonic() - began < 2
    logs = child.stderr.read()
    assert "engine ready model=sketch" in logs
    assert "confidential" not in logs and "s3cret" not in logs


def test_waiting_requests_fail_at_once_when_it_stops(process: Any) -> None:
    child, url = process
    wait_until_healthy(url)
    asked = {"prompt": "a city by the sea", "seeds": [1, 2, 3, 4], "width": 1536, "height": 1536}

    def generate(client: Any) -> Any:
        try:
            return client.post(f"{url}/v1/paint", json=asked, headers={"Authorization": "Bearer s3cret"}).status_code
        except httpx.ConnectError:
            return 503  # later requests find a closed port

    with httpx.Client(timeout=20) as client, ThreadPoolExecutor(8) as crowd:
        answers = [crowd.submit(generate, client) for _ in range(8)]
        while client.get(f"{url}/healthz").json()["queue"] < 4:
            time.sleep(0.01)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(5)
        assert time.monotonic() - began < 2
        statuses = [answer.result() for answer in answers]
    assert set(statuses) <= {200, 503} and statuses.count(503) >= 4


def odd_pictures(words: Any) -> Any:
    """Yield images with these words in all metadata, and some with broken metadata."""
    exif, text, whole = Image.Exif(), PngInfo(), []
    exif[0x010E] = exif[0x9286] = words
    text.add_text("parameters", words)
    for form, more in (("PNG", {"pnginfo": text}), ("JPEG", {"comment": words.encode()})):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(file, form, exif=exif, **more)
        whole.append(file.getvalue())
    start = whole[1].index(b"Exif\0\0") + 6
    return [*whole, whole[1][: start + 8] + b"\xff\xff" + whole[1][start + 10 :], whole[1][:200]]


@pytest.mark.parametrize("process", [{"GPU_LOG_LEVEL": "debug"}], indirect=True)
def test_logs_never_contain_prompts_or_image_warnings(process: Any) -> None:
    child, url = process
    wait_until_healthy(url)
    words = "confidential"
    for data in odd_pictures(words):
        asked = {"prompt": words, "negative_prompt": words, "width": 64, "height": 64, "seeds": [1]}
        asked |= {"init_image": base64.b64encode(data).decode(), "embedding": True}
        httpx.post(f"{url}/v1/paint?prompt={words}", json=asked, headers={"Authorization": "Bearer s3cret"})
    httpx.post(f"{url}/v1/paint", json={"prompt": {words: 1}, words: words}, headers={"Authorization": "Bearer s3cret"})
    child.send_signal(signal.SIGTERM)
    logs = child.communicate(timeout=5)[1]
    assert logs.count("POST /v1/paint") == 5
    assert words not in logs and "s3cret" not in logs and "Warning" not in logs


def test_it_listens_on_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gpu", "--host", "[::1]", "--port", str(port)]
    child = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True)
    wait_until_healthy(f"http://[::1]:{port}")
    child.terminate()
    logs = child.communicate(timeout=5)[1]
    assert "may paint" not in logs, "nobody but this machine reaches it"


def test_the_sketch_is_served_without_torch_and_diffusers() -> None:
    code = "import sys; import gpu.factory, gpu.settings as s; gpu.factory.make_app(s.ServiceSettings());"
    code += "assert not {'torch', 'diffusers', 'transformers', 'modal'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), check=True, timeout=30)


BREAKS = """
import typer, gpu.__main__ as main_module
from gpu.engine import EngineBroken, EngineLimits
from gpu.api.service import create_app

class Breaks:
    model, limits = "breaks", EngineLimits()

    def load(self):
        pass

    def generate(self, key, images):
        raise EngineBroken("the card fell off")

main_module.BROKEN_SECONDS = 1.0
main_module.make_app = lambda settings: create_app(Breaks(), token=None)
typer.run(main_module.serve)
"""


@pytest.fixture
def breaks() -> Iterator[Any]:
    """Start a server whose engine breaks when it generates."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", BREAKS, "--port", str(port)]
    child = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True)
    yield child, f"http://127.0.0.1:{port}"
    child.kill()
    child.wait()
    assert child.stderr
    child.stderr.close()


def test_a_broken_engine_is_reported_and_then_ends_the_process(breaks: Any) -> None:
    child, url = breaks
    wait_until_healthy(url)
    asked = {"prompt": "a confidential lake", "seeds": [1], "width": 64, "height": 64}
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 500
    health = httpx.get(f"{url}/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 503
    assert child.wait(10) == 1
    said = child.stderr.read()
    assert "restart the service: the card fell off" in said
    assert "confidential" not in said
