"""Soak test of the GPU service: 10,000 mixed requests to a tiny model in a real server process.

Texts, sizes, aspect ratios, several seeds, negative prompts, init images, embeddings, invalid requests, wrong tokens, a
full queue, callers that disconnect, and hostile images if there is test material. No response may be lost. Each needs
the right status and the right picture. The server's memory must stay within 5 % after the first fifth. Prints the
results, and exits with 1 if one is missed.

    python tests/bench/soak.py [--count 10000] [--callers 40] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

# gpu.py in this folder is not the package gpu, so `import gpu` must search elsewhere first.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.gpu_parts.hosting import run_services
from tests.bench.gpu_parts.soak_run import Tally, soak
from tests.bench.gpu_parts.workload import create_workload

MAX_GROWTH = 0.05
TOKEN = "soak"


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, run_services(Path(folder), [SERVICE]) as running:
        [url] = running.addresses(time.monotonic() + 90)
        pid = running.process.pid
        workload = create_workload(options.material if options.material.is_dir() else None)
        tally = asyncio.run(soak(url, pid, workload, count=options.count, callers=options.callers, token=TOKEN))
    growth = _growth(tally, options.count)
    _print(tally, growth, options.count)
    if options.out:
        options.out.write_text(json.dumps({**vars(tally), "growth": growth}, indent=1) + "\n")
    return 0 if tally.good and growth <= MAX_GROWTH else 1


# The queue is shorter than the number of callers, so that some get a 429 and send again.
SERVICE = {
    "kind": "tiny",
    "settings": {"token": TOKEN, "queue_limit": 16, "batch_limit": 8, "encoding": "png", "safety": "flag"},
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=40)
    material = os.environ.get("TEST_MATERIAL", Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--material", type=Path, default=Path(material), help="folder with hostile pictures")
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


def _growth(tally: Tally, count: int) -> float:
    """Return the growth of memory from the tenth after the first fifth to the last tenth, as a share."""
    tenth = count // 10
    return tally.memory(count - tenth, count + 1) / tally.memory(2 * tenth, 3 * tenth) - 1


def _print(tally: Tally, growth: float, count: int) -> None:
    tenth = count // 10
    memory = [f"{tally.memory(n * tenth, (n + 1) * tenth):.0f}" for n in range(10)]
    print(f"{tally.done} requests in {tally.seconds:.0f} s: {tally.done / tally.seconds:.0f} a second")
    print("  " + ", ".join(f"{kind} {n}" for kind, n in sorted(tally.statuses.items())))
    print(f"  queue full, sent again {tally.full} times")
    print(f"  lost {len(tally.lost)} {sorted(set(tally.lost))}")
    print(f"  wrong status {len(tally.unexpected)} {sorted(set(tally.unexpected))}")
    print(
        f"  wrong pictures {tally.wrong} of {tally.compared}, not checked {tally.unchecked}; off by at most "
        f"{tally.farthest} of 255, others by at least {tally.nearest_other}"
    )
    print(f"  memory MiB by tenths {' '.join(memory)}")
    print(f"  growth {growth:+.1%} after the first fifth, {MAX_GROWTH:.0%} allowed")


if __name__ == "__main__":
    sys.exit(main())
