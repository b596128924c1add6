"""The Modal app, imported and served on this machine without Modal."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from gpu.api.contract import PaintResponse, Picture, Safety, Seconds
from tests.support.modal_processes import ROOT, python

REQUEST = {"prompt": "a lake", "seeds": [1], "width": 64, "height": 64}


# Imported.


def test_importing_it_opens_no_connection_and_loads_no_model() -> None:
    python(
        "import socket, sys\n"
        "def forbidden(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "import gpu.app\n"
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )


def test_the_image_holds_what_the_tests_ran_with() -> None:
    from gpu.app import PACKAGES

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    assert {name: pinned.get(name) for name, _ in map(split, PACKAGES)} == dict(map(split, PACKAGES))


def split(package: str) -> tuple[str, str]:
    name, _, version = package.partition("==")
    return name, version


def test_the_image_holds_all_that_the_service_imports() -> None:
    from gpu.app import PACKAGES

    installed = {name.replace("-", "_").lower() for name, _ in map(split, PACKAGES)}
    # Modal installs itself; the two commands and their server run in a terminal only.
    known = installed | {"modal", "pydantic_core"} | set(sys.stdlib_module_names) | {"core", "gpu"}
    for path in [*(ROOT / "gpu").rglob("*.py"), *(ROOT / "core/image_reader").rglob("*.py")]:
        if path.name not in ("__main__.py", "http_limits.py"):
            assert {{"PIL": "pillow"}.get(name, name) for name in imported(path)} <= known, path


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


def test_modals_timeout_is_not_below_the_workers() -> None:
    from core.settings import GpuSettings as Worker
    from gpu.app import TIMEOUT_SECONDS

    assert Worker.model_fields["gpu_timeout_seconds"].default <= TIMEOUT_SECONDS


# Served here.


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a local container of the class with the sketch engine."""
    monkeypatch.setenv("GPU_ENGINE", "sketch")
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    monkeypatch.setenv("GPU_TYPE", "L4")
    monkeypatch.setenv("GPU_USD_PER_SECOND", "0.000222")
    from gpu.app import Gpu

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that volumes are not mounted here
        container = Gpu()
        container.web.local()
        yield container
    container.service.state.engine_thread.stop()


def test_it_serves_the_same_contract(gpu: Any) -> None:
    with TestClient(gpu.service) as client:
        assert client.get("/healthz").json()["status"] == "ok", "it answers before its engine is ready"
        assert client.post("/v1/paint", json=REQUEST).status_code == 401
        answer = client.post("/v1/paint", json=REQUEST, headers={"Authorization": "Bearer s3cret"}).json()
    assert answer["model"] == "sketch"


def test_each_response_has_price_and_idle_time(gpu: Any) -> None:
    from gpu.app import DEPLOYMENT

    status, text = asyncio.run(gpu.paint.local(json.dumps(REQUEST)))
    answer = json.loads(text)
    assert status == 200
    assert answer["cost"] == {"card": "L4", "usd_per_second": 0.000222}
    window = DEPLOYMENT.settings.policy_at(datetime.now(UTC)).scaledown_window
    assert window <= answer["seconds"]["idle"] < window + 60, "the first one carries the end to come"


def test_modal_run_generates_twice_and_prints_the_times(gpu: Any, tmp_path: Path) -> None:
    from gpu.smoke_test import run_smoke_test

    lines: list[str] = []
    path = run_smoke_test(
        lambda order: asyncio.run(gpu.paint.local(order)),
        lines.append,
        prompt="a lighthouse",
        seed=1,
        out=tmp_path / "p",
    )
    assert [line.split()[0] for line in lines] == ["cold", "warm"]
    assert all("painting" in line and "$" in line and "on L4" in line for line in lines)
    assert "lighthouse" not in str(lines)
    assert Image.open(path).size == (512, 512)


def response_without_picture() -> str:
    picture = Picture(seed=1, image=None, mime="image/jpeg", width=64, height=64, safety=Safety(flagged=True))
    seconds = Seconds(queued=0.1, painting=0.1, checking=0.1, encoding=0.1, gpu=0.1, idle=0.1)
    response = PaintResponse(model="m", pictures=[picture], steps=4, guidance=0, seconds=seconds, batch_size=1)
    return response.model_dump_json()


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [(500, '{"error": "the engine failed"}', "the engine failed"), (200, response_without_picture(), "flagged")],
)
def test_a_failed_smoke_test_gives_the_reason(tmp_path: Path, status: int, text: str, reason: str) -> None:
    from gpu.smoke_test import SmokeTestFailed, run_smoke_test

    with pytest.raises(SmokeTestFailed, match=reason):
        run_smoke_test(lambda _: (status, text), lambda _: None, prompt="a", seed=1, out=tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_a_container_fails_with_the_reason_if_its_model_does_not_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GPU_ENGINE", "diffusers")
    monkeypatch.setenv("GPU_MODEL", str(tmp_path / "nothing"))
    from gpu.app import Gpu

    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="fetch_weights"):
        warnings.simplefilter("ignore")
        Gpu().web.local()


def test_a_broken_container_takes_no_more_requests(gpu: Any) -> None:
    """Only the callback is tested: outside of a container there is nothing to stop."""
    from gpu import app

    assert gpu.service.state.engine_thread.on_broken is app._retire
    app._retire()
