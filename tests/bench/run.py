"""Run the benches that have goals, and print all figures as one table: `make bench`.

    python tests/bench/run.py [--only whole_way,gallery]

Takes about ten minutes on two idle cores. Each bench measures its floor or peer in the same run, because machines are
shared and noisy: compare ratios. Exit 1 if a bench failed; a missed goal is a line of the table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.goals import read_goals, render_table

HERE = Path(__file__).parent
BENCHES: dict[str, tuple[str, ...]] = {
    "whole_way": ("--count", "200"),
    "growth": (),
    "live": (),
    "gallery": ("--rows", "10000", "--rounds", "3", "--seconds", "2"),
    "gpu": (),
    "lighthouse": (),
}


def main() -> int:
    """Run the benches one after the other."""
    options = _options()
    before, started = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "goals"
        path.touch()
        failed = [name for name in options.only if not _run(name, path)]
        goals = read_goals(path)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load before {before:.1f}, {minutes:.0f} minutes\n")
    print(render_table(goals))
    if failed:
        print(f"\nnot measured, because the bench failed: {', '.join(failed)}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=_names, default=list(BENCHES), help=f"some of {','.join(BENCHES)}")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(BENCHES):
        raise argparse.ArgumentTypeError(f"no such bench: {', '.join(sorted(unknown))}")
    return names


def _run(name: str, goals: Path) -> bool:
    """Run a bench, whose own output stays visible. Return whether it measured its figures."""
    print(f"\n== {name}", flush=True)
    size = goals.stat().st_size
    subprocess.run([sys.executable, HERE / f"{name}.py", *BENCHES[name], "--goals", goals], check=False)
    return goals.stat().st_size > size


if __name__ == "__main__":
    sys.exit(main())
