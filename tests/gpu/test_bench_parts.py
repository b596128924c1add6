"""The bench's own parts: architectures that are the real ones, counts that agree with the literature, comparisons that
would notice a mistake. On the meta device and with thin networks: no memory, no GPU, no download."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time

import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

from gpu.cost.prices import CARDS
from gpu.diffusion.presets import PRESETS
from tests.bench.painter.architectures import ARCHITECTURES
from tests.bench.painter.callers import Caller, crowd, percentile
from tests.bench.painter.cards import card_of
from tests.bench.painter.direct import Job, measure
from tests.bench.painter.flops import is_guided, parameters, safety_parameters, tiny_vae_parameters, work_of
from tests.bench.painter.hosting import Ended, painters
from tests.bench.painter.large import Wanted, deadline_of
from tests.bench.painter.likeness import Gallery
from tests.bench.painter.painters import make_service
from tests.bench.painter.table import Report
from tests.bench.painter.targets import judged
from tests.support.servers import serving

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
    ],
)
def test_networks_have_as_many_parameters_as_the_real_ones(preset, slot, millions):
    assert parameters(ARCHITECTURES[preset].parts[slot]) / 1e6 == pytest.approx(millions, rel=0.01)


def test_the_safety_check_and_the_tiny_vae_have_as_many_parameters_as_the_real_ones():
    assert safety_parameters() / 1e6 == pytest.approx(304, rel=0.01)
    assert tiny_vae_parameters(4) / 1e6 == pytest.approx(2.4, rel=0.03)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_table_of_presets_tells_the_parameters_of_these_networks(preset):
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
    ],
)
def test_the_work_of_a_picture_is_what_was_counted_before(preset, side, step, decode, encode):
    work = work_of(preset, side, side)
    counted = [work.step / 1e12, work.decode / 1e12, work.encode / 1e12, work.safety / 1e12]
    assert counted == pytest.approx([step, decode, encode, 0.162], rel=0.005)


def test_the_tiny_vae_decodes_in_a_fraction_of_the_work():
    work = work_of("sd-turbo", 512, 512, "tiny")
    assert [work.decode / 1e12, work.encode / 1e12] == pytest.approx([0.141, 0.122], rel=0.01)
    assert work.picture(steps=1) / 1e12 == pytest.approx(0.99, rel=0.01)


def test_guidance_doubles_text_and_steps_but_not_the_decoding():
    work = work_of("sd15", 512, 512)
    assert work.picture(steps=20, guided=True) / 1e12 == pytest.approx(34.7, rel=0.01)
    assert work.picture(steps=20, guided=True) - work.picture(steps=20) == pytest.approx(work.text + 20 * work.step)
    assert is_guided(7.0, 1.0) and not is_guided(1.0, 1.0) and not is_guided(4.0, None)


@pytest.mark.parametrize("preset", [preset for preset in NETWORKS if preset != "sdxl-lightning"])
def test_a_thin_network_of_each_architecture_paints_in_the_real_engine(preset, tmp_path):
    settings = {"model": preset, "device": "cpu", "warm_up": False, "batch_limit": 2, "safety": "off"}
    thread = make_service(tmp_path, kind="random", settings=settings, shrunk=True).state.engine_thread
    thread.start()
    assert thread.wait_settled(120) == "ok"
    row = measure(thread, Job(64, 64, steps=1, guidance=0.0, batch=2, seconds=0))
    thread.stop()
    assert "failed" not in row and row["ms"] > 0 and row["together"] == 2


def test_an_order_that_fails_is_told_and_not_a_figure(toy, start_thread):
    row = measure(start_thread(toy), Job(64, 64, steps=1, guidance=0.0, batch=1, seconds=0, kind="image"))
    assert "failed" not in row
    toy.limits = None  # whatever is wrong with an engine
    assert "failed" in measure(start_thread(toy), Job(64, 64, steps=1, guidance=0.0, batch=1, seconds=0))


def test_cards_are_known_by_what_torch_calls_them():
    assert card_of("NVIDIA H200") == ("H200", 790.0)
    assert card_of("NVIDIA L40S")[0] == "L40S" and card_of("NVIDIA L4")[0] == "L4"
    assert card_of("NVIDIA A100-SXM4-80GB")[0] == "A100-80GB"
    assert card_of("NVIDIA A10G")[0] == "A10"
    assert card_of("NVIDIA A100 80GB PCIe")[0] == "A100-80GB"
    assert card_of("NVIDIA L40") == ("", 181.0), "no L4"
    assert card_of("cpu") == ("", None)
    for name in ("H200", "L40S", "L4", "A100-SXM4-80GB", "A10G", "Tesla T4", "B200", "H100 80GB HBM3"):
        assert card_of(f"NVIDIA {name}")[0] in CARDS


def test_percentiles_are_values_that_were_seen():
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.95, 0.99, 1.0)] == [1.0, 51.0, 96.0, 100.0, 100.0]
    assert percentile([], 0.5) != percentile([], 0.5)  # nan


def test_a_report_is_kept_after_each_part_with_what_was_not_measured(tmp_path):
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


def answer_with(*colours):
    def encoded(colour):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode()

    pictures = [{"image": encoded(colour)} for colour in colours]
    return {"pictures": pictures, "batch_size": len(pictures)}


def painter_of_colours():
    """A service that paints the prompt's letters' sum as grey, or another's where the seed is 13."""
    app = FastAPI()

    async def paint(request: Request) -> Response:
        asked = await request.json()
        grey = sum(map(ord, asked["prompt"])) % 256 + 40 * (asked["seeds"][0] == 13)
        return Response(json.dumps(answer_with((grey,) * 3)), media_type="application/json")

    app.add_api_route("/v1/paint", paint, methods=["POST"])
    return app


def test_a_picture_that_belongs_to_another_prompt_is_noticed():
    asks = [{"prompt": prompt, "seeds": [1]} for prompt in ("a", "an owl")]
    with serving(painter_of_colours()) as url:
        gallery = asyncio.run(Gallery.painted_alone(url, asks))
    own, other = (answer_with((sum(map(ord, ask["prompt"])) % 256,) * 3) for ask in asks)
    assert gallery.judge(asks[0], own).right
    assert not gallery.judge(asks[0], other).right
    assert not gallery.judge(asks[0], answer_with(*[(97,) * 3] * 2)).right
    assert gallery.nearest_pair() > 2


def test_a_crowd_counts_every_answer_and_keeps_its_connections():
    peers = set()
    app = FastAPI()

    async def paint(request: Request) -> Response:
        peers.add((request.client.port, request.headers["x-caller"]))
        return Response(await request.body())

    app.add_api_route("/v1/paint", paint, methods=["POST"])
    with serving(app) as url:
        seen = asyncio.run(crowd(url, 4, 0.3, lambda number: {"number": number}))
    assert len(peers) == 4 and seen.lost == 0
    assert sorted(answer.json()["number"] for answer in seen.answers) == list(range(len(seen.answers)))
    assert all(answer.asked == answer.json() for answer in seen.answers)


def test_a_server_that_breaks_off_counts_as_lost():
    async def break_off(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": False})

    async def ask(url):
        with pytest.raises((OSError, EOFError)):
            await Caller(url).ask({})

    with serving(break_off) as url:
        asyncio.run(ask(url))


def test_the_painters_process_ends_with_its_parents_pipe(tmp_path):
    with painters(tmp_path, [{"kind": "floor", "settings": {"answer_bytes": 100}}]) as running:
        [url] = running.addresses(time.monotonic() + 60)
        assert len(asyncio.run(Caller(url).ask({})).body) == 100
        assert running.end() == {"ended": {"peak_gib": None}}
        assert running.process.wait(10) == 0


def test_a_painter_that_does_not_load_is_told(tmp_path):
    broken = {"kind": "tiny", "settings": {"model": str(tmp_path / "nothing-here")}}
    with painters(tmp_path, [broken]) as running, pytest.raises(Ended, match="ended with status"):
        running.addresses(time.monotonic() + 60)


def test_what_an_h200_is_wanted_to_reach_is_judged_and_what_was_not_measured_is_not():
    turbo = {"preset": "sd-turbo", "width": 512, "height": 512, "steps": 1}
    direct = [
        turbo | {"batch": 1, "ms": 12.0, "images_per_second": 80.0},
        turbo | {"batch": 16, "ms": 4.0, "images_per_second": 250.0},
        turbo | {"batch": 32, "failed": "PaintFailed"},
    ]
    served = [turbo | {"callers": callers, "p95_ms": 2100.0} for callers in (1, 16)]
    assert [row["good"] for row in judged(direct, served, vae="tiny")] == [False, True, False]
    assert [row["good"] for row in judged(direct, served, vae="own")] == [False]
    assert list(judged([], [], vae="tiny")) == []


def test_a_preset_that_hangs_leaves_time_for_the_others(monkeypatch):
    wanted = Wanted(None, None, None, [1], [1], 1.0, "off", "own", False, True, deadline=1100.0)
    monkeypatch.setattr("tests.bench.painter.large.time.monotonic", lambda: 1000.0)
    assert deadline_of(wanted, left=5) == pytest.approx(1040.0)
    assert deadline_of(wanted, left=1) == 1100.0
