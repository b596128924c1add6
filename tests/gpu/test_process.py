"""`python -m gpu` as a process, and its settings."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from gpu.settings import GpuSettings

ROOT = Path(__file__).parents[2]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "gpu", *arguments],
        check=False,
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}


@pytest.fixture
def process():
    """A real server on a free port, with a token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", "gpu", "--port", str(port)],
        cwd=ROOT,
        env=clean_environment() | {"GPU_TOKEN": "s3cret"},
        stderr=subprocess.PIPE,
        text=True,
    )
    yield child, f"http://127.0.0.1:{port}"
    child.kill()
    child.wait()
    child.stderr.close()


def wait_until_healthy(url):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not become healthy")


def test_it_serves_paints_and_stops_within_two_seconds(process):
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


def test_who_waits_while_it_stops_hears_so_at_once(process):
    child, url = process
    wait_until_healthy(url)
    asked = {"prompt": "a city by the sea", "seeds": [1, 2, 3, 4], "width": 1536, "height": 1536}

    def paint(_number):
        return httpx.post(f"{url}/v1/paint", json=asked, headers={"Authorization": "Bearer s3cret"}, timeout=20)

    with ThreadPoolExecutor(8) as crowd:
        answers = [crowd.submit(paint, number) for number in range(8)]
        time.sleep(0.7)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(5)
        assert time.monotonic() - began < 2
        statuses = [answer.result().status_code for answer in answers]
    assert set(statuses) <= {200, 503} and statuses.count(503) >= 4


def test_it_lists_its_models_with_their_licences():
    listed = run("--models")
    assert listed.returncode == 0
    assert "sdxl-lightning: " in listed.stdout and "z-image-turbo: " in listed.stdout
    assert listed.stdout.count("  licence ") == 7


def test_help_names_the_options():
    result = run("--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert result.returncode == 0
    for option in ("--engine", "--model", "--port", "--host", "GPU_PORT"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("name", "value"), [("GPU_PORT", "http"), ("GPU_ENGINE", "dall-e"), ("GPU_QUEUE_LIMIT", "0"), ("GPU_TOKEN", "  ")]
)
def test_a_wrong_setting_is_one_line_with_its_name(name, value):
    result = run(**{name: value})
    assert result.returncode == 2
    [line] = result.stderr.strip().splitlines()
    assert line.startswith(name) and f"example: {name}=" in line


def test_a_taken_port_is_one_line_with_its_name():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1].startswith("GPU_PORT: cannot listen on 127.0.0.1 port")
    assert "Traceback" not in result.stderr


def test_the_sketch_is_served_without_torch_and_diffusers():
    code = "import sys; import gpu.engines, gpu.settings as s; gpu.engines.make_app(s.GpuSettings());"
    code += "assert not {'torch', 'diffusers', 'transformers', 'modal'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), check=True, timeout=30)


def test_the_token_never_shows_in_the_settings(monkeypatch):
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    assert "s3cret" not in repr(GpuSettings())


def test_an_empty_token_is_no_token(monkeypatch):
    monkeypatch.setenv("GPU_TOKEN", "")
    assert GpuSettings().token is None


def test_settings_do_not_change(monkeypatch):
    with pytest.raises(ValidationError):
        GpuSettings().port = 1


BREAKS = """
import os, typer, gpu.__main__ as house
from gpu.engine import EngineBroken, Limits
from gpu.web.service import create_app

class Breaks:
    model, limits = "breaks", Limits()

    def load(self):
        if "UNLOADABLE" in os.environ:
            raise OSError("no weights\\nhere")

    def paint(self, key, pieces):
        raise EngineBroken("the card fell off")

house.BROKEN_SECONDS = 1.0
house.make_app = lambda settings: create_app(Breaks(), token=None)
typer.run(house.serve)
"""


@pytest.fixture
def breaks():
    """Starts the server around an engine that breaks when it paints, or already when it loads."""
    children = []

    def start(**environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-c", BREAKS, "--port", str(port)]
        environment = clean_environment() | environment
        children.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
        return children[-1], f"http://127.0.0.1:{port}"

    yield start
    for child in children:
        child.kill()
        child.wait()
        child.stderr.close()


def test_when_the_engine_breaks_it_says_so_for_a_while_and_then_ends_with_status_1(breaks):
    child, url = breaks()
    wait_until_healthy(url)
    asked = {"prompt": "a confidential lake", "seeds": [1], "width": 64, "height": 64}
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 500
    health = httpx.get(f"{url}/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 503
    assert child.wait(10) == 1
    said = child.stderr.read()
    assert "to be started again: the card fell off" in said
    assert "confidential" not in said


def test_an_engine_that_does_not_load_ends_it_with_the_reason_in_one_line(breaks):
    child, _ = breaks(UNLOADABLE="1")
    assert child.wait(20) == 1
    said = child.stderr.read()
    assert said.count("the model did not load (GPU_MODEL): no weights here") == 2, "in the log, and as the last word"
    assert said.strip().splitlines()[-1].startswith("the painter is broken")


def test_a_model_that_is_not_there_is_named_with_its_setting(tmp_path):
    pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")
    code = "import sys, typer, gpu.__main__ as house; house.BROKEN_SECONDS = 0; typer.run(house.serve)"
    result = subprocess.run(
        [sys.executable, "-c", code, "--engine", "diffusers", "--model", str(tmp_path), "--port", "0"],
        check=False,
        cwd=ROOT,
        env=clean_environment() | {"HF_HUB_OFFLINE": "1", "GPU_SAFETY": "off"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert "GPU_MODEL" in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
