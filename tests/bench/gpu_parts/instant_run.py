"""Measure all that the service does beside generating: an engine without cost, and many callers on the same machine.

CPU times of both sides are counted, because they share the cores. Encoding is compared with Pillow writing into memory,
which holds the GIL: one core, whatever the threads.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from gpu.api.encoding import encode
from tests.bench.goals import Goal
from tests.bench.gpu_parts.callers import CrowdResult, crowd
from tests.bench.gpu_parts.hosting import run_services
from tests.bench.gpu_parts.instant import photograph
from tests.bench.gpu_parts.small import Case

CALLERS = 64
SIDES = (512, 1024)
MIN_RATE, MIN_RATE_SIDE, MIN_RATE_CORES = 500.0, 512, 4
_ROUNDS = 3
_START_TIMEOUT_SECONDS = 60.0


def run_instant(seconds: float) -> list[Case]:
    """Return the cases, each measured in rounds of `seconds` in all."""
    service = {"kind": "instant", "settings": {"queue_limit": 256}}
    with tempfile.TemporaryDirectory() as folder, run_services(Path(folder), [service]) as running:
        [url] = running.addresses(time.monotonic() + _START_TIMEOUT_SECONDS)
        process = psutil.Process(running.process.pid)
        return [_encoding(seconds), *(_throughput(url, process, side, seconds) for side in SIDES)]


def instant_goals(cases: Iterable[Case]) -> Iterator[Goal]:
    """Yield the rate that has a goal. It is per core, so that machines with fewer cores can judge it."""
    for case in cases:
        if case.figures.get("side") == MIN_RATE_SIDE:
            cores = case.figures["cores"]
            what = f"GPU service, engine without cost, {MIN_RATE_SIDE} px, {cores} cores: images/s per core"
            beside = f"{case.figures['images_per_second']:.0f} images/s, callers on the same cores"
            rate = case.figures["images_per_second"] / cores
            yield Goal(what, rate, MIN_RATE / MIN_RATE_CORES, is_minimum=True, beside=beside)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Round:
    """One round: images/s, and the cores that the service, its event loop and its callers used."""

    seen: CrowdResult
    service: float
    loop: float
    callers: float

    def milliseconds(self, cores: float) -> float:
        """Return CPU ms per image."""
        return cores * 1000 / self.seen.rate()


def _throughput(url: str, process: psutil.Process, side: int, seconds: float) -> Case:
    """Report the round with the highest rate: other work on the machine only lowers it."""
    _round(url, process, side, 0.5)  # warm up
    best = max((_round(url, process, side, seconds / _ROUNDS) for _ in range(_ROUNDS)), key=lambda one: one.seen.rate())
    cores, rate = usable_cores(), best.seen.rate()
    figures = {
        "side": side,
        "cores": cores,
        "images_per_second": rate,
        "service_cores": best.service,
        "service_cpu_ms": best.milliseconds(best.service),
        "loop_cpu_ms": best.milliseconds(best.loop),
        "callers_cpu_ms": best.milliseconds(best.callers),
        "p95_ms": best.seen.latency(0.95) * 1000,
        "refused": len(best.seen.responses) - len(best.seen.good),
        "lost": best.seen.lost,
    }
    text = (
        f"{rate:.0f} images/s on {cores} cores; the service uses {best.service:.2f} cores, "
        f"{figures['service_cpu_ms']:.1f} CPU ms an image ({figures['loop_cpu_ms']:.1f} in its event loop), the "
        f"callers {figures['callers_cpu_ms']:.1f}; p95 {figures['p95_ms']:.0f} ms; refused {figures['refused']}, "
        f"lost {figures['lost']}"
    )
    good = None
    if side == MIN_RATE_SIDE:
        text += f"; wanted at least {MIN_RATE:.0f} images/s on {MIN_RATE_CORES} cores"
        good = rate >= MIN_RATE if cores >= MIN_RATE_CORES else None
    return Case(f"Engine without cost, {side}x{side}, {CALLERS} callers", text, figures, good)


def _round(url: str, process: psutil.Process, side: int, seconds: float) -> _Round:
    return asyncio.run(_measure(url, process, side, seconds))


async def _measure(url: str, process: psutil.Process, side: int, seconds: float) -> _Round:
    def request(number: int) -> dict[str, Any]:
        return {"prompt": f"a quiet harbour {number}", "seeds": [number], "width": side, "height": side}

    before = (_cpu(process), _loop_cpu(process), time.process_time())
    seen = await crowd(url, CALLERS, seconds, request)
    after = (_cpu(process), _loop_cpu(process), time.process_time())
    return _Round(seen, *((end - start) / seen.seconds for start, end in zip(before, after, strict=True)))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _loop_cpu(process: psutil.Process) -> float:
    """Return the CPU seconds of the main thread, which runs the event loop."""
    [main] = [thread for thread in process.threads() if thread.id == process.pid]
    return float(main.user_time + main.system_time)


def _encoding(seconds: float) -> Case:
    """Compare encoders in alternating rounds. The best round counts."""
    encoders: dict[str, Callable[[], object]] = {"pillow_in_memory": _encode_in_memory, "service": _encode}
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in encoders}
    for _ in range(_ROUNDS):
        for name, encoder in encoders.items():
            rounds[name].append(_rate_in_threads(encoder, seconds / _ROUNDS / 2))
    best = {name: max(rates) for name, rates in rounds.items()}
    figures = {
        f"{name}_{what}": value
        for name, pair in best.items()
        for what, value in zip(("rate", "cores"), pair, strict=True)
    }
    old, new = best["pillow_in_memory"], best["service"]
    text = (
        f"{new[0]:.0f} images/s with {new[1]:.2f} cores ({new[1] * 1000 / new[0]:.1f} CPU ms an image with base64); "
        f"Pillow into memory {old[0]:.0f} with {old[1]:.2f} ({old[1] * 1000 / old[0]:.1f})"
    )
    return Case(f"Encoding 512x512 as JPEG in {usable_cores()} threads", text, figures)


def _encode() -> object:
    return encode(photograph(512, 512), "jpeg")


def _encode_in_memory() -> object:
    buffer = io.BytesIO()
    photograph(512, 512).save(buffer, "jpeg", quality=95, subsampling=0)
    return buffer.getvalue()


def _rate_in_threads(work: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Return how often per second all cores do this work in threads of this process, and the cores used."""
    counts, deadline = [0] * usable_cores(), time.perf_counter() + seconds

    def repeat(number: int) -> None:
        while time.perf_counter() < deadline:
            work()
            counts[number] += 1

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(len(counts))]
    started, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    return sum(counts) / wall, (time.process_time() - used) / wall
