"""What a machine without a GPU can show, around a tiny model: what our own parts cost, what batching gains, who waits
how long, and that nobody gets another's picture. Ratios and differences within one run, not absolute speeds.

Knows the callers and the service's answers; knows no model.
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

from tests.bench.painter.callers import Seen, crowd
from tests.bench.painter.hosting import painters
from tests.bench.painter.likeness import Gallery

MOST_OVERHEAD_MS = 5.0
LEAST_GAIN = 1.5
CALLERS = (1, 8, 32)
_SIZE = {"width": 64, "height": 64, "steps": 2}
_STARTING = 60.0


@dataclass(frozen=True)
class Case:
    """One thing measured: its figure in words, and whether it is as good as wanted (None: nothing was wanted of it)."""

    name: str
    said: str
    figures: dict[str, Any]
    good: bool | None = None


@dataclass(frozen=True)
class _Services:
    """Addresses: in batches of 8, one at a time, both in the default encoding; in batches and lossless; the floor."""

    batched: str
    single: str
    lossless: str
    floor: str


def run_small(seconds: float) -> list[Case]:
    """All cases, each round of callers for `seconds`."""
    services = [
        {"kind": "tiny", "settings": {"batch_limit": 8}},
        {"kind": "tiny", "settings": {"batch_limit": 1}},
        {"kind": "tiny", "settings": {"batch_limit": 8, "encoding": "png"}},
        # As many bytes as an answer with one picture of 64 x 64 as JPEG.
        {"kind": "floor", "settings": {"answer_bytes": 5000}},
    ]
    with tempfile.TemporaryDirectory() as folder, painters(Path(folder), services) as running:
        urls = _Services(*running.addresses(time.monotonic() + _STARTING))
        for url in (urls.batched, urls.single, urls.lossless, urls.floor):
            _crowd(url, 8, 0.5)  # every code path once
        return [
            _overhead(urls, seconds),
            _gain(urls, seconds),
            *(_waiting(urls, callers, seconds) for callers in CALLERS),
            _cross_talk(urls, seconds),
        ]


def _crowd(url: str, callers: int, seconds: float, ask: Callable[[int], dict[str, Any]] | None = None) -> Seen:
    return asyncio.run(crowd(url, callers, seconds, ask or _any_prompt))


def _any_prompt(number: int) -> dict[str, Any]:
    return {"prompt": f"a quiet harbour number {number}", "seeds": [number], **_SIZE}


def _overhead(urls: _Services, seconds: float) -> Case:
    """Wall per request minus the painting, at one caller, and the same for an endpoint that does nothing.

    Three rounds, and the best one's median: other work on the machine only ever adds.
    """
    rounds = [_crowd(urls.batched, 1, seconds / 2) for _ in range(3)]
    floor = min(_crowd(urls.floor, 1, seconds / 6).wall(0.5) for _ in range(3))
    medians = [statistics.median(_beside_painting(seen)) for seen in rounds]
    best = rounds[medians.index(min(medians))]
    figures = {"overhead_ms": min(medians), "rounds_ms": medians, "floor_ms": floor * 1000}
    figures |= {f"{stage}_ms": _stage(best, stage) for stage in ("painting", "queued", "encoding")}
    said = (
        f"{min(medians):.1f} ms beside {figures['painting_ms']:.1f} ms of painting (waiting {figures['queued_ms']:.1f}"
        f", encoding {figures['encoding_ms']:.1f}; a bare endpoint {floor * 1000:.1f}; rounds "
        f"{', '.join(f'{median:.1f}' for median in medians)}); wanted under {MOST_OVERHEAD_MS:g}"
    )
    good = min(medians) < MOST_OVERHEAD_MS and not any(seen.lost for seen in rounds)
    return Case("HTTP + queue + encoding per image, one caller", said, figures, good)


def _beside_painting(seen: Seen) -> list[float]:
    return [(answer.wall - answer.json()["seconds"]["painting"]) * 1000 for answer in seen.good]


def _stage(seen: Seen, stage: str) -> float:
    """The median of a stage in milliseconds."""
    return statistics.median(answer.json()["seconds"][stage] for answer in seen.good) * 1000


def _gain(urls: _Services, seconds: float) -> Case:
    """Images per second at 8 callers, batches of 8 against one at a time; turn and turn about, so that other work on
    the machine meets both."""
    rounds = [
        (_crowd(urls.batched, 8, seconds / 2).per_second(), _crowd(urls.single, 8, seconds / 2).per_second())
        for _ in range(3)
    ]
    gains = [batched / single for batched, single in rounds]
    figures = {
        "gain": statistics.median(gains),
        "batched": statistics.median(batched for batched, _ in rounds),
        "single": statistics.median(single for _, single in rounds),
    }
    said = (
        f"{figures['gain']:.2f} times ({figures['batched']:.0f} against {figures['single']:.0f} images/s; rounds "
        f"{', '.join(f'{gain:.2f}' for gain in gains)}); wanted at least {LEAST_GAIN:g}"
    )
    return Case("Gain of batching at 8 callers", said, figures, figures["gain"] >= LEAST_GAIN)


def _waiting(urls: _Services, callers: int, seconds: float) -> Case:
    seen = _crowd(urls.batched, callers, seconds)
    figures = {
        "callers": callers,
        "images_per_second": seen.per_second(),
        "p50_ms": seen.wall(0.5) * 1000,
        "p95_ms": seen.wall(0.95) * 1000,
        "p99_ms": seen.wall(0.99) * 1000,
        "queued_ms": _stage(seen, "queued"),
        "batch": _together(seen),
        "refused": len(seen.answers) - len(seen.good),
        "lost": seen.lost,
    }
    said = (
        f"p50 {figures['p50_ms']:.0f}, p95 {figures['p95_ms']:.0f}, p99 {figures['p99_ms']:.0f} ms, of them queued "
        f"{figures['queued_ms']:.0f}; {figures['images_per_second']:.0f} images/s in batches of {figures['batch']:.1f}"
        f"; refused {figures['refused']}, lost {figures['lost']}"
    )
    name = "1 caller" if callers == 1 else f"{callers} callers"
    return Case(name, said, figures, figures["lost"] == 0 and figures["refused"] == 0)


def _cross_talk(urls: _Services, seconds: float) -> Case:
    """32 callers with prompts and seeds mixed: each answer against the picture of its prompt and seed painted alone."""
    asks = [
        {"prompt": prompt, "seeds": [seed], **_SIZE}
        for prompt in ("a red fox", "two boats at dawn", "a cat", "snow on a roof", "an old map", "a glass of tea")
        for seed in (1, 2, 3, 4, 5, 6, 7, 8)
    ]
    gallery = asyncio.run(Gallery.painted_alone(urls.lossless, asks))
    # A stride that meets every prompt with every seed, and neighbours that differ in both.
    seen = _crowd(urls.lossless, 32, seconds, lambda number: asks[(number * 7) % len(asks)])
    verdicts = [gallery.judge(answer.asked, answer.json()) for answer in seen.good]
    together = _together(seen)
    figures = {
        "answers": len(verdicts),
        "wrong": sum(not verdict.right for verdict in verdicts),
        "farthest_own": max(verdict.own for verdict in verdicts),
        "nearest_other": gallery.nearest_pair(),
        "batch": together,
    }
    said = (
        f"{figures['wrong']} wrong of {figures['answers']} in batches of {together:.1f}; a picture differs from itself "
        f"painted alone by at most {figures['farthest_own']} of 255, two pictures of {len(asks)} by at least "
        f"{figures['nearest_other']}"
    )
    telling = figures["nearest_other"] > 4 * max(1, figures["farthest_own"])
    good = figures["wrong"] == 0 and telling and together > 2 and not seen.lost
    return Case("Cross-talk, 32 callers, prompts and seeds mixed", said, figures, good)


def _together(seen: Seen) -> float:
    """How many pictures were painted at once, on average."""
    return statistics.mean(answer.json()["batch_size"] for answer in seen.good)
