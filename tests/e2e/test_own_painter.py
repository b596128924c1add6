"""The demo with a painter of one's own: a real diffusers pipeline in a process beside it, late, killed, and back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.house import House, running_house
from tests.support.servers import ROOT, free_port, wait_until
from tests.support.tiny_models import tiny_model

pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")
pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[House]:
    """A demo that was started before its painter."""
    painter = f"http://127.0.0.1:{port}"
    # The tiny model has no safety check.
    settings = {"DEMO_GPU_URL": painter, "GPU_TOKEN": "s3cret", "GPU_UNCHECKED": "publish"}
    with running_house(tmp_path_factory.mktemp("demo"), **settings) as house:
        yield house


@contextmanager
def painting(model: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m gpu` with the tiny model, ready to paint; killed at the end, as a power cut would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "gpu", "--engine", "diffusers", "--model", str(model), "--port", str(port)],
        cwd=ROOT,
        env=environment | {"GPU_SAFETY": "off", "GPU_TOKEN": "s3cret", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _is_ready(port), "the painter is not ready", within=90)
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_demo_is_ready_without_it_and_says_so(house: House) -> None:
    (ready,) = [line for line in house.lines if line.startswith("ready:")]
    assert "(not ready yet: pictures wait for it)" in ready


def test_what_was_asked_before_it_came_is_painted_when_it_comes(house: House, model: Path, port: int) -> None:
    early = house.post("@threadpaint a heron in the reeds --ar 16:9")
    with painting(model, port):
        wait_until(lambda: house.answers().get(early) == 1, "no answer", within=60)
    (item,) = [one for one in house.creations() if one["post_id"] == early]
    assert item["model"] == "tiny-turbo"
    (picture,) = item["pictures"]
    assert 1.5 < picture["width"] / picture["height"] < 2.1


def test_killed_in_the_middle_it_loses_nothing_and_nobody_is_answered_twice(
    house: House, model: Path, port: int
) -> None:
    with painting(model, port):
        posts = [house.post(f"@threadpaint a heron number {n} --n 4 --steps 20", author="grace") for n in range(12)]
    assert sum(house.answers().get(post, 0) for post in posts) < len(posts), "it was killed too late"
    with painting(model, port):
        wait_until(lambda: all(house.answers().get(post) == 1 for post in posts), "not all were answered", within=90)
    assert house.state()["duplicates"] == 0
