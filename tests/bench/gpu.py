"""Measure the speed of the GPU service, in the process and over HTTP.

Without a GPU: images/s and CPU time of the service around an engine without cost. With a tiny model: milliseconds of
HTTP, queue and encoding per image, the gain of batching, latencies at 1, 8 and 32 callers, and that no caller gets
another's picture. Exit 1 if a target is missed.

With one: random weights of the presets' real architectures (nothing is downloaded; speed does not depend on weights):
ms per image, images/s, peak memory, the share of the GPU's peak performance, dollars, and p50 and p95 of callers.

    python tests/bench/gpu.py [--presets sd-turbo sdxl-lightning] [--sizes 512 1024] [--batches 1 8] [--out FILE] ...

The service runs in its own process, the callers in another one with a raw asyncio client.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

# This file has the name of the package that it measures, so `import gpu` must search elsewhere first.
sys.path.insert(0, str(Path(__file__).parents[2]))

from gpu.diffusion.presets import PRESETS
from tests.bench.goals import save_goals
from tests.bench.gpu_parts.cards import card_of
from tests.bench.gpu_parts.hosting import Ended
from tests.bench.gpu_parts.instant_run import instant_goals, run_instant
from tests.bench.gpu_parts.large import MeasurementPlan, run_large
from tests.bench.gpu_parts.small import run_small
from tests.bench.gpu_parts.table import Report
from tests.bench.gpu_parts.targets import judge


def main() -> int:
    options = _options()
    day = datetime.now(UTC).date().isoformat()
    report = Report(f"Speed of the GPU service, {day}", out=options.out)
    if options.device == "cuda" and not options.shrunk and not _has_cuda():
        sys.exit("--device cuda: torch finds no such card here (--shrunk runs on any machine)")
    if not options.shrunk and (options.device == "cpu" or not (options.device or _has_cuda())):
        return _small(options, report)
    return _large(options, report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--presets", nargs="+", choices=[preset.name for preset in PRESETS], default=None, help="default: all")
    add("--sizes", nargs="+", type=int, default=None, help="sides in pixels; default: each preset's own")
    add("--steps", nargs="+", type=int, default=None, help="default: each preset's own")
    add("--batches", nargs="+", type=int, default=[1, 4, 8, 16])
    add("--callers", nargs="+", type=int, default=[1, 4, 16, 64])
    add("--compile", choices=["off", "regional", "whole"], default="off")
    add("--vae", choices=["own", "tiny"], default="own")
    add("--safety", choices=["on", "off"], default="off", help="the check on every picture, with random weights, too")
    add("--seconds", type=float, default=3.0, help="how long each figure is measured")
    add(
        "--limit",
        type=float,
        default=540.0,
        help="seconds for the whole run: what does not fit is named as not measured",
    )
    add("--out", type=Path, default=None, help="FILE.md and FILE.json, written again after each part")
    add("--goals", type=Path, default=None, help="without a GPU: add the figures that have goals to this file")
    add("--device", choices=["cuda", "cpu"], default=None, help="default: cuda if there is one")
    add("--shrunk", action="store_true", help="the same with tiny networks: does it run at all? (any machine)")
    return parser.parse_args()


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _small(options: argparse.Namespace, report: Report) -> int:
    report.device = f"No GPU: a tiny random model, 64x64, 2 steps, on {os.cpu_count()} cores."
    before = os.getloadavg()[0]
    try:
        cases = [*run_instant(options.seconds), *run_small(options.seconds)]
    except Ended as reason:
        report.failed.append(str(reason))
        print(report.page())
        return 1
    report.device += f" Load of the machine before {before:.1f}, after {os.getloadavg()[0]:.1f}."
    report.small = [vars(case) for case in cases]
    report.save()
    print(report.page())
    save_goals(options.goals, instant_goals(cases))
    return 0 if all(case.good is not False for case in cases) else 1


def _large(options: argparse.Namespace, report: Report) -> int:
    plan = MeasurementPlan(
        presets=options.presets,
        sides=options.sizes,
        steps=options.steps,
        batches=options.batches,
        callers=options.callers,
        seconds=options.seconds,
        compile=options.compile,
        vae=options.vae,
        safety=options.safety == "on",
        shrunk=options.shrunk,
        device=options.device if _has_cuda() else "cpu",
        deadline=time.monotonic() + options.limit,
    )
    report.title += f" (compile {options.compile}, VAE {options.vae}, safety {options.safety})"
    run_large(plan, report)
    if card_of(report.device)[0] == "H200":
        report.small = list(judge(report.direct, report.served, vae=options.vae))
        report.save()
    print(report.page())
    return 0 if report.direct and not report.failed else 1


if __name__ == "__main__":
    sys.exit(main())
