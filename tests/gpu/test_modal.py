"""The Modal file without Modal: imported, and served on this machine."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from tests.support.modal_processes import ROOT, python

ASKED = {"prompt": "a lake", "seeds": [1], "width": 64, "height": 64}


# Imported.


def test_importing_it_opens_no_connection_and_loads_no_model():
    python(
        "import socket, sys\n"
        "def forbidden(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "import gpu.app\n"
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )


def test_the_image_holds_what_the_tests_ran_with():
    from gpu.app import PACKAGES

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    assert {name: pinned.get(name) for name, _ in map(split, PACKAGES)} == dict(map(split, PACKAGES))


def split(package: str) -> tuple[str, str]:
    name, _, version = package.partition("==")
    return name, version


def test_the_image_holds_all_that_the_service_imports():
    from gpu.app import PACKAGES

    installed = {name.replace("-", "_").lower() for name, _ in map(split, PACKAGES)}
    # Modal brings itself; the two commands are for a terminal, as is what one of them hands to its own server.
    known = installed | {"modal"} | set(sys.stdlib_module_names) | {"gpu"}
    for path in (ROOT / "gpu").rglob("*.py"):
        if path.name not in ("__main__.py", "connections.py"):
            assert {{"PIL": "pillow"}.get(name, name) for name in imported(path)} <= known, path


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


def test_modal_ends_no_order_that_the_worker_still_waits_for():
    from core.settings import GpuSettings as Worker
    from gpu.app import TIMEOUT_SECONDS

    assert Worker.model_fields["gpu_timeout_seconds"].default <= TIMEOUT_SECONDS


# Served here.


@pytest.fixture
def gpu(monkeypatch):
    """A container of the class, on this machine, with the sketch for a model."""
    monkeypatch.setenv("GPU_ENGINE", "sketch")
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    monkeypatch.setenv("GPU_CARD", "L4")
    monkeypatch.setenv("GPU_USD_PER_SECOND", "0.000222")
    from gpu.app import Gpu

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that volumes are not mounted here
        container = Gpu()
        container.web.local()
        yield container
    container.service.state.engine_thread.stop()


def test_it_serves_the_same_contract(gpu):
    with TestClient(gpu.service) as client:
        assert client.get("/healthz").json()["status"] == "ok", "it answers before its engine is ready"
        assert client.post("/v1/paint", json=ASKED).status_code == 401
        answer = client.post("/v1/paint", json=ASKED, headers={"Authorization": "Bearer s3cret"}).json()
    assert answer["model"] == "sketch"


def test_each_answer_carries_what_the_card_costs_and_its_idle_time(gpu):
    from gpu.app import DEPLOYMENT

    status, text = asyncio.run(gpu.paint.local(json.dumps(ASKED)))
    answer = json.loads(text)
    assert status == 200
    assert answer["cost"] == {"card": "L4", "usd_per_second": 0.000222}
    window = DEPLOYMENT.plan.at(datetime.now(UTC)).scaledown_window
    assert window <= answer["seconds"]["idle"] < window + 60, "the first one carries the end to come"


def test_modal_run_paints_one_prompt_twice_and_says_what_it_took(gpu, tmp_path):
    from gpu.trial import try_out

    lines: list[str] = []
    path = try_out(
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


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, '{"error": "the engine failed"}'), (200, '{"pictures": [{"image": null}], "seconds": {}, "cost": null}')],
)
def test_modal_run_says_what_went_wrong(tmp_path, status, text):
    from gpu.trial import TrialFailed, try_out

    answer = json.loads(text)
    if status == 200:
        answer["seconds"] = dict.fromkeys(("queued", "painting", "checking", "encoding", "gpu", "idle"), 0.1)
    with pytest.raises(TrialFailed):
        try_out(lambda _: (status, json.dumps(answer)), lambda _: None, prompt="a", seed=1, out=tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_a_container_whose_model_does_not_load_says_why_and_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("GPU_ENGINE", "diffusers")
    monkeypatch.setenv("GPU_MODEL", str(tmp_path / "nothing"))
    from gpu.app import Gpu

    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="fetch_weights"):
        warnings.simplefilter("ignore")
        Gpu().web.local()


def test_a_container_that_breaks_takes_no_more_orders(gpu):
    """Outside of a container nothing can be stopped, so only that it would be is seen here."""
    from gpu import app

    assert gpu.service.state.engine_thread.on_broken is app._leave
    app._leave()
