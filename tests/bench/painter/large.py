"""Runs the presets' real architectures on a GPU: each preset in a process of its own, each part kept as it is done.

A preset that fails, or for which no time is left, is named in the report, and the next one gets its turn. Knows the
presets' own manners, what their work is, and what a card can do and costs; knows no torch.
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

from gpu.cost.prices import UnknownCard, per_second
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import PRESETS
from tests.bench.painter.callers import crowd
from tests.bench.painter.cards import card_of
from tests.bench.painter.flops import Work, is_guided, work_of
from tests.bench.painter.hosting import Ended, Painters, painters
from tests.bench.painter.table import Report

# What a shrunk network is asked for: the same call, at a size that a CPU paints in no time.
_SHRUNK_SIDE = 64


@dataclass(frozen=True)
class Wanted:
    """What is to be measured; None is each preset's own. `deadline` is of the monotonic clock."""

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


def run_large(wanted: Wanted, report: Report) -> None:
    """Measure preset by preset into `report`, which is saved after each figure."""
    chosen = [preset for preset in PRESETS if not wanted.presets or preset.name in wanted.presets]
    with tempfile.TemporaryDirectory() as folder:
        for number, preset in enumerate(chosen):
            _try(preset, replace(wanted, deadline=deadline_of(wanted, len(chosen) - number)), report, Path(folder))
            report.save()


def deadline_of(wanted: Wanted, left: int) -> float:
    """Until when a preset may take: twice its share of the time left, so that one that hangs leaves some for others."""
    now = time.monotonic()
    return min(wanted.deadline, now + 2 * max(0.0, wanted.deadline - now) / left)


def _try(preset: Preset, wanted: Wanted, report: Report, folder: Path) -> None:
    if time.monotonic() >= wanted.deadline:
        report.failed.append(f"{preset.name}: no time left")
        return
    try:
        _measure(preset, wanted, report, folder)
    except Ended as reason:
        report.failed.append(f"{preset.name}: {reason}")


def _measure(preset: Preset, wanted: Wanted, report: Report, folder: Path) -> None:
    shapes = list(_shapes(preset, wanted))
    jobs = [
        {**shape, "guidance": preset.guidance, "batch": batch, "seconds": wanted.seconds}
        for shape in shapes
        for batch in wanted.batches
    ]
    for shape in shapes:
        _work(preset, wanted, shape)  # counted before: counting beside what is measured would take cores from it
    with painters(folder, [_service(preset, wanted)], jobs) as running:
        _direct(preset, wanted, report, running, len(jobs))
        [url] = running.addresses(wanted.deadline)
        for shape in shapes:
            for callers in wanted.callers:
                _served(preset, wanted, report, url, shape, callers)


def _shapes(preset: Preset, wanted: Wanted) -> Iterator[dict[str, int]]:
    sides = [_SHRUNK_SIDE] if wanted.shrunk else wanted.sides or [preset.side]
    for side in sides:
        for steps in wanted.steps or [preset.steps]:
            yield {"width": side, "height": side, "steps": steps}


def _service(preset: Preset, wanted: Wanted) -> dict[str, Any]:
    settings = {
        "model": preset.name,
        "device": wanted.device,
        "batch_limit": max(wanted.batches),
        "queue_limit": 256,  # every caller's order finds room: this measures waiting, not refusing
        "compile": wanted.compile,
        "vae": _vae(preset, wanted),
        "safety": "flag" if wanted.safety else "off",
    }
    return {"kind": "random", "shrunk": wanted.shrunk, "settings": settings}


def _direct(preset: Preset, wanted: Wanted, report: Report, running: Painters, jobs: int) -> None:
    report.device = running.next_line(wanted.deadline)["device"]
    for _ in range(jobs):
        line = running.next_line(wanted.deadline)
        report.direct.append({"preset": preset.name} | line["direct"] | _judged(preset, wanted, report, line["direct"]))
        report.save()


def _judged(preset: Preset, wanted: Wanted, report: Report, row: dict[str, Any]) -> dict[str, Any]:
    """The share of the card's limit, and dollars: what the figure means."""
    if "failed" in row:
        return {}
    card, peak = card_of(report.device)
    work = _work(preset, wanted, row)
    # Without the safety check: `ms` is the painting, and the check runs beside it.
    guided = is_guided(row["guidance"], preset.negative_above)
    flop = work.picture(steps=row["steps"], guided=guided) if work else None
    return {
        "tflop": flop / 1e12 if flop else None,
        "of_limit": flop * 1000 / row["ms"] / (peak * 1e12) if peak and flop else None,
        "usd_per_image": _price(card) * row["ms"] / 1000 if _price(card) else None,
        "card": card,
        "vae": _vae(preset, wanted),
    }


def _work(preset: Preset, wanted: Wanted, shape: dict[str, Any]) -> Work | None:
    """What a picture of this size asks for; of thin networks it would say nothing."""
    return None if wanted.shrunk else work_of(preset.name, shape["width"], shape["height"], _vae(preset, wanted))


def _vae(preset: Preset, wanted: Wanted) -> str:
    """What was wanted, or the model's own where there is no tiny one for it."""
    return wanted.vae if preset.tiny_vae else "own"


def _price(card: str) -> float:
    """Dollars a second at Modal, with two cores and 16 GiB beside the card; 0 where Modal has no such card."""
    try:
        return per_second(card, cores=2, gib=16)
    except UnknownCard:
        return 0.0


def _served(preset: Preset, wanted: Wanted, report: Report, url: str, shape: dict[str, int], callers: int) -> None:
    name = f"{preset.name} {shape['width']}x{shape['height']}, {shape['steps']} steps, {callers} callers"
    if time.monotonic() + wanted.seconds >= wanted.deadline:
        report.failed.append(f"{name}: no time left")
        return
    seen = asyncio.run(
        crowd(url, callers, wanted.seconds, lambda n: {"prompt": f"a quiet harbour {n}", "seeds": [n], **shape})
    )
    stages = [answer.json() for answer in seen.good]
    if not stages:
        report.failed.append(f"{name}: no answer")
        return
    report.served.append(
        {
            "preset": preset.name,
            **shape,
            "callers": callers,
            "p50_ms": seen.wall(0.5) * 1000,
            "p95_ms": seen.wall(0.95) * 1000,
            "queued_ms": statistics.median(stage["seconds"]["queued"] for stage in stages) * 1000,
            "images_per_second": seen.per_second(),
            "batch": statistics.mean(stage["batch_size"] for stage in stages),
            "refused": len(seen.answers) - len(seen.good),
            "lost": seen.lost,
        }
    )
    report.save()
