"""Test the parts of the GPU bench: real architectures, counts as published, and comparisons that notice mistakes.

Networks are thin or on the meta device, so nothing takes memory, needs a GPU or is downloaded.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image

from gpu.diffusion.preset import Preset
from tests.support.toy_engine import StartThread, ToyEngine

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

from gpu.deploy.prices import GPU_TYPES
from gpu.diffusion.presets import PRESETS
from tests.bench.gpu_parts.architectures import ARCHITECTURES
from tests.bench.gpu_parts.callers import Caller, crowd, percentile
from tests.bench.gpu_parts.cards import card_of
from tests.bench.gpu_parts.comparison import ReferencePictures
from tests.bench.gpu_parts.direct import Job, measure
from tests.bench.gpu_parts.flops import is_guided, parameters, safety_parameters, tiny_vae_parameters, work_of
from tests.bench.gpu_parts.hosting import Ended, run_services
from tests.bench.gpu_parts.large import MeasurementPlan, deadline_of
from tests.bench.gpu_parts.services import make_service
from tests.bench.gpu_parts.table import Report
from tests.bench.gpu_parts.targets import judge
from tests.support.servers import serving

pytestmark = pytest.mark.slow

NETWORKS = {preset.name: ARCHITECTURES[preset.name] for preset in PRESETS}


@pytest.mark.parametrize(
    ("preset", "slot", "millions"),
    [
        ("sd-turbo", "unet", 865.9),
        ("sd-turbo", "text_encoder", 340.4),
        ("sd15", "unet", 859.5),
        ("sd15", "text_encoder", 123.1),
        ("sdxl-lightning", "unet", 2567.5),
        ("sdxl-lightning", "text_encoder_2", 694.7),
        ("sdxl-lightning", "vae", 83.7),
        ("sd35-turbo", "transformer", 8057),
        ("sd35-turbo", "text_encoder_3", 4762),
        ("flux2-klein-4b", "transformer", 3876),
        ("flux2-klein-4b", "text_encoder", 4022),
        ("z-image-turbo", "transformer", 6155),
        ("sana-sprint", "transformer", 1610),
        ("sana-sprint", "text_encoder", 2614),
        ("sana-sprint", "vae", 312.3),
        ("prx-512", "transformer", 1171),
    ],
)
def test_networks_have_as_many_parameters_as_the_real_ones(preset: str, slot: str, millions: float) -> None:
    assert parameters(ARCHITECTURES[preset].parts[slot]) / 1e6 == pytest.approx(millions, rel=0.01)


def test_the_safety_check_and_the_tiny_vae_have_as_many_parameters_as_the_real_ones() -> None:
    assert safety_parameters() / 1e6 == pytest.approx(304, rel=0.01)
    assert tiny_vae_parameters(4) / 1e6 == pytest.approx(2.4, rel=0.03)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_presets_have_the_parameters_of_these_networks(preset: Preset) -> None:
    total = sum(parameters(part) for part in NETWORKS[preset.name].parts.values())
    assert total / 1e9 == pytest.approx(preset.parameters, rel=0.02)


@pytest.mark.parametrize(
    ("preset", "side", "step", "decode", "encode"),
    [
        ("sd15", 512, 0.803, 2.515, 1.117),
        ("sd-turbo", 512, 0.804, 2.515, 1.117),
        ("sd-turbo", 1024, 4.675, 10.47, 4.88),
        ("sdxl-turbo", 512, 1.589, 2.515, 1.117),
        ("sdxl-lightning", 1024, 6.761, 10.47, 4.88),
        ("flux2-klein-4b", 512, 10.17, 2.515, 1.118),
        ("flux2-klein-4b", 1024, 34.82, 10.47, 4.88),
        ("sana-sprint", 1024, 2.967, 8.369, 5.180),
        ("prx-512", 512, 1.732, 2.515, 1.118),
    ],
)
def test_the_work_of_a_picture_stays_the_same(
    preset: str, side: int, step: float, decode: float, encode: float
) -> None:
    work = work_of(preset, side, side)
    counted = [work.step / 1e12, work.decode / 1e12, work.encode / 1e12, work.safety / 1e12]
    assert counted == pytest.approx([step, decode, encode, 0.162], rel=0.005)


def test_the_tiny_vae_decodes_in_a_fraction_of_the_work() -> None:
    work = work_of("sd-turbo", 512, 512, "tiny")
    assert [work.decode / 1e12, work.encode / 1e12] == pytest.approx([0.141, 0.122], rel=0.01)
    assert work.picture(steps=1) / 1e12 == pytest.approx(0.99, rel=0.01)


def test_guidance_doubles_text_and_steps_but_not_the_decoding() -> None:
    work = work_of("sd15", 512, 512)
    assert work.picture(steps=20, guided=True) / 1e12 == pytest.approx(34.7, rel=0.01)
    assert work.picture(steps=20, guided=True) - work.picture(steps=20) == pytest.approx(work.text + 20 * work.step)
    assert is_guided(7.0, 1.0) and not is_guided(1.0, 1.0) and not is_guided(4.0, None)


@pytest.mark.parametrize("preset", [preset for preset in NETWORKS if preset != "sdxl-lightning"])
def test_a_thin_network_of_each_architecture_generates(preset: Preset, tmp_path: Path) -> None:
    settings = {"model": preset, "device": "cpu", "warm_up": False, "batch_limit": 2, "safety": "off"}
    thread = make_service(tmp_path, kind="random", settings=settings, shrunk=True).state.engine_thread
    thread.start()
    assert thread.wait_settled(120) == "ok"
    guidance = thread.engine.limits.guidance
    row = measure(thread, Job(64, 64, steps=1, guidance=guidance, batch=2, seconds=0))
    thread.stop()
    assert "failed" not in row and row["ms"] > 0 and row["together"] == 2


def test_a_failed_request_is_reported_without_figures(toy: ToyEngine, start_thread: StartThread) -> None:
    row = measure(start_thread(toy), Job(64, 64, steps=1, guidance=0.0, batch=1, seconds=0, kind="image"))
    assert "failed" not in row
    toy.limits = None  # type: ignore[assignment]  # whatever is wrong with an engine
    assert "failed" in measure(start_thread(toy), Job(64, 64, steps=1, guidance=0.0, batch=1, seconds=0))


def test_gpus_are_recognized_by_torchs_names() -> None:
    assert card_of("NVIDIA H200") == ("H200", 790.0)
    assert card_of("NVIDIA L40S")[0] == "L40S" and card_of("NVIDIA L4")[0] == "L4"
    assert card_of("NVIDIA A100-SXM4-80GB")[0] == "A100-80GB"
    assert card_of("NVIDIA A10G")[0] == "A10"
    assert card_of("NVIDIA A100 80GB PCIe")[0] == "A100-80GB"
    assert card_of("NVIDIA L40") == ("", 181.0), "no L4"
    assert card_of("cpu") == ("", None)
    for name in ("H200", "L40S", "L4", "A100-SXM4-80GB", "A10G", "Tesla T4", "B200", "H100 80GB HBM3"):
        assert card_of(f"NVIDIA {name}")[0] in GPU_TYPES


def test_percentiles_are_measured_values() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.95, 0.99, 1.0)] == [1.0, 51.0, 96.0, 100.0, 100.0]
    assert percentile([], 0.5) != percentile([], 0.5)  # nan


def test_a_report_is_saved_after_each_part(tmp_path: Path) -> None:
    report = Report("Speed", out=tmp_path / "speed", device="NVIDIA H200")
    row = {"preset": "sd-turbo", "width": 512, "height": 512, "steps": 1, "batch": 8}
    report.direct.append(row | {"failed": "PaintFailed"})
    measured = {"ms": 4.0, "images_per_second": 250.0, "peak_gib": 7.5, "tflop": 3.36, "of_limit": 0.42}
    report.direct.append(row | measured | {"usd_per_image": 0.000005})
    report.save()
    report.failed.append("sd15: no time left")
    report.save()
    page = (tmp_path / "speed.md").read_text()
    assert "| sd-turbo | 512x512 | 1 | 8 | 4.0 | 250.0 | 7.5 | 3.36 | 42% | 0.0050 |" in page
    assert "| PaintFailed |" in page and "- sd15: no time left" in page
    assert json.loads((tmp_path / "speed.json").read_text())["direct"][1]["ms"] == 4.0


def answer_with(*colors: Any) -> dict[str, Any]:
    def encoded(color: str) -> Any:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), color).save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode()

    pictures = [{"image": encoded(color)} for color in colors]
    return {"pictures": pictures, "batch_size": len(pictures)}


def service_of_colors() -> Any:
    """A service that returns the sum of the prompt's letters as gray, or a wrong one for seed 13."""
    app = FastAPI()

    async def generate(request: Request) -> Response:
        body = await request.json()
        grey = sum(map(ord, body["prompt"])) % 256 + 40 * (body["seeds"][0] == 13)
        return Response(json.dumps(answer_with((grey,) * 3)), media_type="application/json")

    app.add_api_route("/v1/paint", generate, methods=["POST"])
    return app


def test_a_picture_of_another_prompt_is_noticed() -> None:
    requests = [{"prompt": prompt, "seeds": [1]} for prompt in ("a", "an owl")]
    with serving(service_of_colors()) as url:
        references = asyncio.run(ReferencePictures.generate(url, requests))
    own, other = (answer_with((sum(map(ord, str(one["prompt"]))) % 256,) * 3) for one in requests)
    assert references.compare(requests[0], own).right
    assert not references.compare(requests[0], other).right
    assert not references.compare(requests[0], answer_with(*[(97,) * 3] * 2)).right
    assert references.nearest_pair() > 2


def test_a_crowd_counts_every_response_and_reuses_connections() -> None:
    peers = set()
    app = FastAPI()

    async def generate(request: Request) -> Response:
        assert request.client
        peers.add(request.client.port)
        return Response(await request.body())

    app.add_api_route("/v1/paint", generate, methods=["POST"])
    with serving(app) as url:
        result = asyncio.run(crowd(url, 4, 0.3, lambda number: {"number": number}))
    assert len(peers) == 4 and result.lost == 0
    assert sorted(response.json()["number"] for response in result.responses) == list(range(len(result.responses)))
    assert all(response.request == response.json() for response in result.responses)


def test_a_truncated_response_counts_as_lost() -> None:
    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": False})

    async def send_one(url: str) -> None:
        with pytest.raises((OSError, EOFError)):
            await Caller(url).send({})

    with serving(cut_off) as url:
        asyncio.run(send_one(url))


def test_the_service_process_ends_with_its_parents_pipe(tmp_path: Path) -> None:
    with run_services(tmp_path, [{"kind": "floor", "settings": {"answer_bytes": 100}}]) as running:
        [url] = running.addresses(time.monotonic() + 60)
        assert len(asyncio.run(Caller(url).send({})).body) == 100
        assert running.end() == {"ended": {"peak_gib": None}}
        assert running.process.wait(10) == 0


def test_a_service_that_does_not_load_is_reported(tmp_path: Path) -> None:
    broken = {"kind": "random", "settings": {"model": str(tmp_path / "nothing-here")}}  # refused before torch comes
    with run_services(tmp_path, [broken]) as running, pytest.raises(Ended, match="ended with status"):
        running.addresses(time.monotonic() + 60)


def test_h200_targets_are_judged_if_measured() -> None:
    turbo = {"preset": "sd-turbo", "width": 512, "height": 512, "steps": 1}
    direct = [
        turbo | {"batch": 1, "ms": 12.0, "images_per_second": 80.0},
        turbo | {"batch": 16, "ms": 4.0, "images_per_second": 250.0},
        turbo | {"batch": 32, "failed": "PaintFailed"},
    ]
    served = [turbo | {"callers": callers, "p95_ms": 2100.0} for callers in (1, 16)]
    assert [row["good"] for row in judge(direct, served, vae="tiny")] == [False, True, False]
    assert [row["good"] for row in judge(direct, served, vae="own")] == [False]
    assert list(judge([], [], vae="tiny")) == []


def test_a_stuck_preset_leaves_time_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = MeasurementPlan(None, None, None, [1], [1], 1.0, "off", "own", False, True, deadline=1100.0)
    monkeypatch.setattr("tests.bench.gpu_parts.large.time.monotonic", lambda: 1000.0)
    assert deadline_of(plan, left=5) == pytest.approx(1040.0)
    assert deadline_of(plan, left=1) == 1100.0
