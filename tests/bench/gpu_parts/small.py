"""Measure without a GPU, with a tiny model: our own overhead, the gain of batching, latencies, and mixed-up pictures.

Reports ratios and differences within one run, not absolute speeds.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.gpu_parts.callers import CrowdResult, crowd
from tests.bench.gpu_parts.comparison import ReferencePictures
from tests.bench.gpu_parts.hosting import run_services

MAX_OVERHEAD_MS = 5.0
MIN_GAIN = 1.5
CALLERS = (1, 8, 32)
_SIZE = {"width": 64, "height": 64, "steps": 2}
_START_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Case:
    """One measurement: its text, its figures, and whether it meets its target (None: it has no target)."""

    name: str
    text: str
    figures: dict[str, Any]
    good: bool | None = None


@dataclass(frozen=True)
class _Services:
    """Addresses: batches of 8, batches of 1, batches of 8 with lossless encoding, and the bare endpoint."""

    batched: str
    single: str
    lossless: str
    floor: str


def run_small(seconds: float) -> list[Case]:
    """Run all cases, each round of callers for `seconds`."""
    services = [
        {"kind": "tiny", "settings": {"batch_limit": 8}},
        {"kind": "tiny", "settings": {"batch_limit": 1}},
        {"kind": "tiny", "settings": {"batch_limit": 8, "encoding": "png"}},
        # As many bytes as a response with one picture of 64 x 64 as JPEG.
        {"kind": "floor", "settings": {"answer_bytes": 5000}},
    ]
    with tempfile.TemporaryDirectory() as folder, run_services(Path(folder), services) as running:
        urls = _Services(*running.addresses(time.monotonic() + _START_TIMEOUT_SECONDS))
        for url in (urls.batched, urls.single, urls.lossless, urls.floor):
            _crowd(url, 8, 0.5)  # warm up every code path
        return [
            _overhead(urls, seconds),
            _gain(urls, seconds),
            *(_waiting(urls, callers, seconds) for callers in CALLERS),
            _cross_talk(urls, seconds),
        ]


def _crowd(
    url: str, callers: int, seconds: float, make_request: Callable[[int], dict[str, Any]] | None = None
) -> CrowdResult:
    return asyncio.run(crowd(url, callers, seconds, make_request or _any_prompt))


def _any_prompt(number: int) -> dict[str, Any]:
    return {"prompt": f"a quiet harbour number {number}", "seeds": [number], **_SIZE}


def _overhead(urls: _Services, seconds: float) -> Case:
    """Measure the time per request without generation at one caller, and of an endpoint that does nothing.

    The best median of three rounds counts, because other work on the machine only adds time.
    """
    rounds = [_crowd(urls.batched, 1, seconds / 2) for _ in range(3)]
    floor = min(_crowd(urls.floor, 1, seconds / 6).latency(0.5) for _ in range(3))
    medians = [statistics.median(_without_generation(seen)) for seen in rounds]
    best = rounds[medians.index(min(medians))]
    figures = {"overhead_ms": min(medians), "rounds_ms": medians, "floor_ms": floor * 1000}
    figures |= {f"{stage}_ms": _stage(best, stage) for stage in ("painting", "queued", "encoding")}
    text = (
        f"{min(medians):.1f} ms beside {figures['painting_ms']:.1f} ms of painting (waiting {figures['queued_ms']:.1f}"
        f", encoding {figures['encoding_ms']:.1f}; a bare endpoint {floor * 1000:.1f}; rounds "
        f"{', '.join(f'{median:.1f}' for median in medians)}); wanted under {MAX_OVERHEAD_MS:g}"
    )
    good = min(medians) < MAX_OVERHEAD_MS and not any(seen.lost for seen in rounds)
    return Case("HTTP + queue + encoding per image, one caller", text, figures, good)


def _without_generation(seen: CrowdResult) -> list[float]:
    return [(response.seconds - response.json()["seconds"]["painting"]) * 1000 for response in seen.good]


def _stage(seen: CrowdResult, stage: str) -> float:
    """Return the median of a stage in milliseconds."""
    return statistics.median(float(response.json()["seconds"][stage]) for response in seen.good) * 1000


def _gain(urls: _Services, seconds: float) -> Case:
    """Compare images per second of 8 callers in batches of 8 and 1. They alternate, so other work affects both."""
    rounds = [
        (_crowd(urls.batched, 8, seconds / 2).rate(), _crowd(urls.single, 8, seconds / 2).rate()) for _ in range(3)
    ]
    gains = [batched / single for batched, single in rounds]
    figures = {
        "gain": statistics.median(gains),
        "batched": statistics.median(batched for batched, _ in rounds),
        "single": statistics.median(single for _, single in rounds),
    }
    text = (
        f"{figures['gain']:.2f} times ({figures['batched']:.0f} against {figures['single']:.0f} images/s; rounds "
        f"{', '.join(f'{gain:.2f}' for gain in gains)}); wanted at least {MIN_GAIN:g}"
    )
    return Case("Gain of batching at 8 callers", text, figures, figures["gain"] >= MIN_GAIN)


def _waiting(urls: _Services, callers: int, seconds: float) -> Case:
    seen = _crowd(urls.batched, callers, seconds)
    figures = {
        "callers": callers,
        "images_per_second": seen.rate(),
        "p50_ms": seen.latency(0.5) * 1000,
        "p95_ms": seen.latency(0.95) * 1000,
        "p99_ms": seen.latency(0.99) * 1000,
        "queued_ms": _stage(seen, "queued"),
        "batch": _mean_batch(seen),
        "refused": len(seen.responses) - len(seen.good),
        "lost": seen.lost,
    }
    text = (
        f"p50 {figures['p50_ms']:.0f}, p95 {figures['p95_ms']:.0f}, p99 {figures['p99_ms']:.0f} ms, of them queued "
        f"{figures['queued_ms']:.0f}; {figures['images_per_second']:.0f} images/s in batches of {figures['batch']:.1f}"
        f"; refused {figures['refused']}, lost {figures['lost']}"
    )
    name = "1 caller" if callers == 1 else f"{callers} callers"
    return Case(name, text, figures, figures["lost"] == 0 and figures["refused"] == 0)


def _cross_talk(urls: _Services, seconds: float) -> Case:
    """Run 32 callers with mixed prompts and seeds, and compare each response with its reference picture."""
    requests = [
        {"prompt": prompt, "seeds": [seed], **_SIZE}
        for prompt in ("a red fox", "two boats at dawn", "a cat", "snow on a roof", "an old map", "a glass of tea")
        for seed in (1, 2, 3, 4, 5, 6, 7, 8)
    ]
    references = asyncio.run(ReferencePictures.generate(urls.lossless, requests))
    # The stride combines every prompt with every seed, and neighbors differ in both.
    seen = _crowd(urls.lossless, 32, seconds, lambda number: requests[(number * 7) % len(requests)])
    comparisons = [references.compare(response.request, response.json()) for response in seen.good]
    together = _mean_batch(seen)
    figures = {
        "responses": len(comparisons),
        "wrong": sum(not comparison.right for comparison in comparisons),
        "farthest_own": max(comparison.own for comparison in comparisons),
        "nearest_other": references.nearest_pair(),
        "batch": together,
    }
    text = (
        f"{figures['wrong']} wrong of {figures['responses']} in batches of {together:.1f}; a picture differs from its "
        f"reference by at most {figures['farthest_own']} of 255, two pictures of {len(requests)} by at least "
        f"{figures['nearest_other']}"
    )
    is_conclusive = figures["nearest_other"] > 4 * max(1, figures["farthest_own"])
    good = figures["wrong"] == 0 and is_conclusive and together > 2 and not seen.lost
    return Case("Cross-talk, 32 callers, prompts and seeds mixed", text, figures, good)


def _mean_batch(seen: CrowdResult) -> float:
    """Return the mean batch size."""
    return statistics.mean(float(response.json()["batch_size"]) for response in seen.good)
