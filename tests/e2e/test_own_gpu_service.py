"""Test the demo with its own GPU service, a real diffusers pipeline that starts late, is killed, and returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from core.models import State
from tests.support.demo import Demo, forked_demo
from tests.support.forked_process import ForkedProcess, forked_process, preload
from tests.support.servers import free_port, wait_until
from tests.support.tiny_models import tiny_model

pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")
pytestmark = pytest.mark.processes

# The service imports these when it loads a model, for five seconds of CPU time.
HEAVY_MODULES = ("torch", "diffusers.pipelines.auto_pipeline")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Demo]:
    """Start a demo before its GPU service."""
    preload(HEAVY_MODULES)  # meanwhile
    gpu_url = f"http://127.0.0.1:{port}"
    # The tiny model has no safety check.
    settings = {"DEMO_GPU_URL": gpu_url, "GPU_TOKEN": "s3cret", "GPU_UNCHECKED": "publish"}
    with forked_demo(tmp_path_factory.mktemp("demo"), **settings) as demo:
        yield demo


@pytest.fixture(scope="module")
def early(demo: Demo) -> str:
    """Post before the GPU service starts. Return the post's id."""
    return demo.post("@threadpaint a heron in the reeds --ar 16:9")


@pytest.fixture(scope="module")
def service(early: str, model: Path, port: int) -> Iterator[ForkedProcess]:
    """Start the GPU service after the demo and the early post."""
    with gpu_service(model, port) as process:
        yield process


@contextmanager
def gpu_service(model: Path, port: int) -> Iterator[ForkedProcess]:
    """Run `python -m gpu` with a tiny model. Yield when it is ready, and kill it at the end."""
    command = ("gpu", "--engine", "diffusers", "--model", str(model), "--port", str(port))
    environment = {"GPU_SAFETY": "off", "GPU_TOKEN": "s3cret", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with forked_process(*command, environment=environment, preloaded=HEAVY_MODULES) as process:
        try:
            wait_until(lambda: _is_ready(port), "the GPU service is not ready", within=90)
            yield process
        finally:
            process.kill()


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_demo_is_ready_without_the_gpu_service_and_says_so(demo: Demo) -> None:
    (ready,) = [line for line in demo.lines if line.startswith("ready:")]
    assert "(not ready yet: pictures wait for it)" in ready


@pytest.mark.usefixtures("service")
def test_earlier_prompts_are_painted_once_it_is_ready(demo: Demo, early: str) -> None:
    wait_until(lambda: demo.answers().get(early) == 1, "no answer", within=60)
    (item,) = [one for one in demo.creations() if one["post_id"] == early]
    assert item["model"] == "tiny-turbo"
    (picture,) = item["pictures"]
    assert 1.5 < picture["width"] / picture["height"] < 2.1


def test_killing_it_during_work_loses_and_doubles_no_reply(
    demo: Demo, service: ForkedProcess, model: Path, port: int
) -> None:
    posts = [demo.post(f"@threadpaint a heron number {n} --n 4 --steps 20", author="grace") for n in range(12)]
    wait_until(lambda: demo.leases(State.PAINTING), "no painting starts")
    service.kill()
    service.wait()
    assert sum(demo.answers().get(post, 0) for post in posts) < len(posts), "it was killed too late"
    with gpu_service(model, port):
        wait_until(lambda: all(demo.answers().get(post) == 1 for post in posts), "not all were answered", within=90)
    assert demo.state()["duplicates"] == 0
