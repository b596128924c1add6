"""A long day at the painter: 10,000 requests of mixed kinds against a tiny model in a real server process.

Texts, sizes, shapes, several seeds, negative prompts, starts from an image, embeddings, mistakes, strangers, a queue
that is full, callers who hang up at any moment, and hostile pictures where the test material is. Nobody may be lost,
every answer must have its right status, every picture must be the one asked for, and the server's memory must stay flat
within 5 % after the first fifth. Prints the figures; exit 1 where it falls short.

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

# Beside this file lies gpu.py, which is not the package gpu: `import gpu` must look elsewhere first.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.painter.asks import a_day
from tests.bench.painter.hosting import painters
from tests.bench.painter.soaking import Tally, soak

MOST_GROWTH = 0.05
TOKEN = "soak"


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, painters(Path(folder), [SERVICE]) as running:
        [url] = running.addresses(time.monotonic() + 90)
        pid = running.process.pid
        day = a_day(options.material if options.material.is_dir() else None)
        tally = asyncio.run(soak(url, pid, day, count=options.count, callers=options.callers, token=TOKEN))
    grown = _growth(tally, options.count)
    _print(tally, grown, options.count)
    if options.out:
        options.out.write_text(json.dumps({**vars(tally), "growth": grown}, indent=1) + "\n")
    return 0 if tally.good and grown <= MOST_GROWTH else 1


# A queue shorter than the crowd: some are refused for want of room, and come again.
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
    """How much more memory in the last tenth than in the tenth after the first fifth, as a share."""
    tenth = count // 10
    return tally.memory(count - tenth, count + 1) / tally.memory(2 * tenth, 3 * tenth) - 1


def _print(tally: Tally, grown: float, count: int) -> None:
    tenth = count // 10
    memory = [f"{tally.memory(n * tenth, (n + 1) * tenth):.0f}" for n in range(10)]
    print(f"{tally.done} requests in {tally.seconds:.0f} s: {tally.done / tally.seconds:.0f} a second")
    print("  " + ", ".join(f"{kind} {n}" for kind, n in sorted(tally.statuses.items())))
    print(f"  no room and asked again {tally.full} times")
    print(f"  lost {len(tally.lost)} {sorted(set(tally.lost))}")
    print(f"  not the right status {len(tally.unexpected)} {sorted(set(tally.unexpected))}")
    print(
        f"  wrong pictures {tally.wrong} of {tally.judged}, not checked {tally.unchecked}; off by at most "
        f"{tally.farthest} of 255, others by at least {tally.nearest_other}"
    )
    print(f"  memory MiB by tenths {' '.join(memory)}")
    print(f"  grown {grown:+.1%} after the first fifth, {MOST_GROWTH:.0%} allowed")


if __name__ == "__main__":
    sys.exit(main())
