"""Measure the presets' real architectures on a GPU. Each preset runs in its own process; each result is saved at once.

A preset that fails, or for which no time is left, is named in the report, and the next one runs.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpu.deploy.prices import UnknownGpu, container_price
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import PRESETS
from tests.bench.gpu_parts.callers import crowd
from tests.bench.gpu_parts.cards import card_of
from tests.bench.gpu_parts.flops import Work, is_guided, work_of
from tests.bench.gpu_parts.hosting import Ended, ServiceProcess, run_services
from tests.bench.gpu_parts.table import Report

# Shrunk networks get the same call, at a size that a CPU generates quickly.
_SHRUNK_SIDE = 64


@dataclass(frozen=True)
class MeasurementPlan:
    """What to measure; None is each preset's own value. `deadline` is of the monotonic clock."""

    presets: list[str] | None
    sides: list[int] | None
    steps: list[int] | None
    batches: list[int]
    callers: list[int]
    seconds: float
    compile: str
    vae: str
    safety: bool
    shrunk: bool
    deadline: float
    device: str | None = None


def run_large(plan: MeasurementPlan, report: Report) -> None:
    """Measure preset by preset into `report`, which is saved after each figure."""
    chosen = [preset for preset in PRESETS if not plan.presets or preset.name in plan.presets]
    with tempfile.TemporaryDirectory() as folder:
        for number, preset in enumerate(chosen):
            _try(preset, replace(plan, deadline=deadline_of(plan, len(chosen) - number)), report, Path(folder))
            report.save()


def deadline_of(plan: MeasurementPlan, left: int) -> float:
    """Return the deadline of a preset: twice its share of the time left, so that a stuck one leaves time for others."""
    now = time.monotonic()
    return min(plan.deadline, now + 2 * max(0.0, plan.deadline - now) / left)


def _try(preset: Preset, plan: MeasurementPlan, report: Report, folder: Path) -> None:
    if time.monotonic() >= plan.deadline:
        report.failed.append(f"{preset.name}: no time left")
        return
    try:
        _measure(preset, plan, report, folder)
    except Ended as reason:
        report.failed.append(f"{preset.name}: {reason}")


def _measure(preset: Preset, plan: MeasurementPlan, report: Report, folder: Path) -> None:
    shapes = list(_shapes(preset, plan))
    jobs = [
        {**shape, "guidance": preset.guidance, "batch": batch, "seconds": plan.seconds}
        for shape in shapes
        for batch in plan.batches
    ]
    for shape in shapes:
        _work(preset, plan, shape)  # counted before, because counting takes cores from the measurement
    with run_services(folder, [_service(preset, plan)], jobs) as running:
        _direct(preset, plan, report, running, len(jobs))
        [url] = running.addresses(plan.deadline)
        for shape in shapes:
            for callers in plan.callers:
                _served(preset, plan, report, url, shape, callers)


def _shapes(preset: Preset, plan: MeasurementPlan) -> Iterator[dict[str, int]]:
    sides = [_SHRUNK_SIDE] if plan.shrunk else plan.sides or [preset.side]
    for side in sides:
        for steps in plan.steps or [preset.steps]:
            yield {"width": side, "height": side, "steps": steps}


def _service(preset: Preset, plan: MeasurementPlan) -> dict[str, Any]:
    settings = {
        "model": preset.name,
        "device": plan.device,
        "batch_limit": max(plan.batches),
        "queue_limit": 256,  # enough for all callers: this measures waiting, not rejection
        "compile": plan.compile,
        "vae": _vae(preset, plan),
        "safety": "flag" if plan.safety else "off",
    }
    return {"kind": "random", "shrunk": plan.shrunk, "settings": settings}


def _direct(preset: Preset, plan: MeasurementPlan, report: Report, running: ServiceProcess, jobs: int) -> None:
    report.device = running.next_line(plan.deadline)["device"]
    for _ in range(jobs):
        line = running.next_line(plan.deadline)
        report.direct.append({"preset": preset.name} | line["direct"] | _rate(preset, plan, report, line["direct"]))
        report.save()


def _rate(preset: Preset, plan: MeasurementPlan, report: Report, row: dict[str, Any]) -> dict[str, Any]:
    """Return the share of the GPU's peak, and the price of an image."""
    if "failed" in row:
        return {}
    gpu_type, peak = card_of(report.device)
    work = _work(preset, plan, row)
    # Without the safety check, which runs in parallel with generation.
    guided = is_guided(row["guidance"], preset.negative_prompt_min_guidance)
    flop = work.picture(steps=row["steps"], guided=guided) if work else None
    return {
        "tflop": flop / 1e12 if flop else None,
        "of_limit": flop * 1000 / row["ms"] / (peak * 1e12) if peak and flop else None,
        "usd_per_image": _price(gpu_type) * row["ms"] / 1000 if _price(gpu_type) else None,
        "card": gpu_type,
        "vae": _vae(preset, plan),
    }


def _work(preset: Preset, plan: MeasurementPlan, shape: dict[str, Any]) -> Work | None:
    """Return the work of a picture of this size; None for thin networks, whose work is meaningless."""
    return None if plan.shrunk else work_of(preset.name, shape["width"], shape["height"], _vae(preset, plan))


def _vae(preset: Preset, plan: MeasurementPlan) -> str:
    """Return the requested VAE, or the model's own if it has no tiny one."""
    return plan.vae if preset.tiny_vae else "own"


def _price(gpu_type: str) -> float:
    """Return Modal's price per second with two cores and 16 GiB; 0 if Modal has no such GPU."""
    try:
        return container_price(gpu_type, cores=2, gib=16)
    except UnknownGpu:
        return 0.0


def _served(
    preset: Preset, plan: MeasurementPlan, report: Report, url: str, shape: dict[str, int], callers: int
) -> None:
    name = f"{preset.name} {shape['width']}x{shape['height']}, {shape['steps']} steps, {callers} callers"
    if time.monotonic() + plan.seconds >= plan.deadline:
        report.failed.append(f"{name}: no time left")
        return
    result = asyncio.run(
        crowd(url, callers, plan.seconds, lambda n: {"prompt": f"a quiet harbour {n}", "seeds": [n], **shape})
    )
    stages = [response.json() for response in result.good]
    if not stages:
        report.failed.append(f"{name}: no response")
        return
    report.served.append(
        {
            "preset": preset.name,
            **shape,
            "callers": callers,
            "p50_ms": result.latency(0.5) * 1000,
            "p95_ms": result.latency(0.95) * 1000,
            "queued_ms": statistics.median(stage["seconds"]["queued"] for stage in stages) * 1000,
            "images_per_second": result.rate(),
            "batch": statistics.mean(stage["batch_size"] for stage in stages),
            "refused": len(result.responses) - len(result.good),
            "lost": result.lost,
        }
    )
    report.save()
