"""Measure a machine with a GPU and without a network, in one command of less than ten minutes.

    python tests/bench/gpu_machine.py pack .wheels --python 3.12    here: the packages that the machine lacks (50 MB)
    python3 tests/bench/gpu_machine.py run .wheels results          there: installs them beside its own, and measures

The machine brings Python 3.11 or newer, and torch for its GPU with numpy; `pack --more torch==2.13.0 ...` carries more.
`run` writes a page and JSON of each part into the folder, and all pages as `all.md`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the service and its bench import, with their dependencies.
PACKAGES = (
    "diffusers",
    "fastapi",
    "ftfy",
    "httpx",
    "pi-heif",
    "pillow",
    "prometheus-client",
    "psutil",
    "pybase64",
    "pydantic-settings",
    "transformers",
    "typer",
    "uvicorn[standard]",
)
# Torch brings a numpy that fits it.
BROUGHT = ("numpy",)
PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in (39, 35, 34, 31, 28, 27, 24, 17, 5)),
    "manylinux2014_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
)
LIMIT_SECONDS = 570.0
# For a part's start and end beside its own limit.
MARGIN_SECONDS = 20.0


@dataclass(frozen=True)
class Part:
    """One run of the bench: its options, its share of the time, and the cores that it may use (None: all)."""

    name: str
    options: tuple[str, ...]
    share: float
    cores: int | None = None


# The first parts matter most.
GPU_PARTS = (
    Part("service-4-cores", ("--device", "cpu", "--seconds", "3"), 0.1, cores=4),
    Part("presets", ("--batches", "1", "8", "--callers", "1", "16", "--seconds", "2"), 0.6),
    Part("sd-turbo", ("--presets", "sd-turbo", "--steps", "1", "4", "--vae", "tiny", "--compile", "whole"), 0.3),
)
# Do all parts run at all? With thin networks, on any machine.
TRIAL_PARTS = (
    Part("service", ("--device", "cpu", "--seconds", "0.3"), 0.5),
    Part("presets", ("--shrunk", "--presets", "sd-turbo", "--seconds", "0.1", "--batches", "1", "--callers", "1"), 0.5),
)


def main() -> int:
    options = _options()
    if options.command == "pack":
        return pack(options.wheels, options.python, options.more)
    parts = TRIAL_PARTS if options.trial else GPU_PARTS
    return run(options.wheels, options.out, parts, options.limit)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("pack", help="download the packages for a machine of Linux on x86-64").add_argument
    add("wheels", type=Path)
    add("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", help="the machine's; default: this")
    add("--more", nargs="*", default=[], help="packages that the machine lacks, without their dependencies")
    add = commands.add_parser("run", help="install and measure").add_argument
    add("wheels", type=Path)
    add("out", type=Path, help="folder for the results")
    add("--limit", type=float, default=LIMIT_SECONDS, help="seconds for everything")
    add("--trial", action="store_true", help="thin networks, on any machine: does it run at all?")
    return parser.parse_args()


def pack(wheels: Path, python: str, more: Sequence[str]) -> int:
    """Download wheels into a folder. Return pip's exit status."""
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, "--dest", str(wheels)]
    target += [option for name in PLATFORMS for option in ("--platform", name)]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    status = subprocess.run([*download, *target, *PACKAGES], check=False).returncode
    for wheel in [wheel for name in BROUGHT for wheel in wheels.glob(f"{name}-*.whl")]:
        wheel.unlink()
    if more and status == 0:
        status = subprocess.run([*download, *target, "--no-deps", *more], check=False).returncode
    if status == 0:
        files = list(wheels.glob("*.whl"))
        print(f"{len(files)} wheels, {sum(file.stat().st_size for file in files) / 2**20:.0f} MB in {wheels}")
    return status


def run(wheels: Path, out: Path, parts: Sequence[Part], limit: float) -> int:
    """Install the wheels into a temporary folder and measure. Return 0 if every part wrote its results."""
    deadline = time.monotonic() + limit
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as site:
        if not install(wheels, site):
            return 1
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((site, str(ROOT))), "HF_HUB_OFFLINE": "1"}
        written = [page for part in parts if (page := _measure(part, out, deadline, limit, environment))]
    (out / "all.md").write_text("\n".join(page.read_text() for page in written))
    print((out / "all.md").read_text())
    return 0 if len(written) == len(parts) else 1


def install(wheels: Path, site: str) -> bool:
    """Install all wheels without a network. Packages of the machine that are not among them stay in use."""
    files = sorted(map(str, wheels.glob("*.whl")))
    if not files:
        print(f"no wheels in {wheels}: run `pack` first", file=sys.stderr)
        return False
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    return subprocess.run([*command, "--target", site, *files], check=False).returncode == 0


def _measure(part: Part, out: Path, deadline: float, limit: float, environment: dict[str, str]) -> Path | None:
    """Run one part within its share of the time, and within what is left. Return its page, None if there is none."""
    seconds = min(part.share * limit, deadline - time.monotonic()) - MARGIN_SECONDS
    if seconds <= 0:
        print(f"{part.name}: no time left", file=sys.stderr)
        return None
    bench = [sys.executable, str(ROOT / "tests/bench/gpu.py"), *part.options]
    command = [*_on_cores(part.cores), *bench, "--limit", f"{seconds:.0f}", "--out", str(out / part.name)]
    with (out / f"{part.name}.log").open("wb") as log:
        try:
            subprocess.run(
                command, stdout=log, stderr=log, env=environment, timeout=seconds + MARGIN_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"{part.name}: stopped after {seconds + MARGIN_SECONDS:.0f} s", file=sys.stderr)
    page = out / f"{part.name}.md"
    return page if page.exists() else None


def _on_cores(count: int | None) -> Iterator[str]:
    """Yield the words that limit a command to so many cores, if the machine has more."""
    if count and shutil.which("taskset") and (os.cpu_count() or 1) > count:
        yield from ("taskset", "--cpu-list", f"0-{count - 1}")


if __name__ == "__main__":
    sys.exit(main())
