"""The bench of a machine without a network: packages, parts and time limits."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from tests.bench import gpu_machine
from tests.bench.gpu_machine import GPU_PARTS, PACKAGES, ROOT, Part, install, run


def wheel(folder: Path, name: str) -> Path:
    """Write a wheel with one module of this name."""
    file, info = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "here = True\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return file


def test_carried_wheels_are_installed_without_a_network(tmp_path: Path) -> None:
    wheel(tmp_path, "carried")
    assert install(tmp_path, str(tmp_path / "site"))
    assert (tmp_path / "site" / "carried.py").exists()


def test_a_folder_without_wheels_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, tmp_path / "out", GPU_PARTS, limit=60) == 1
    assert "run `pack` first" in capsys.readouterr().err


def test_a_part_that_takes_too_long_is_stopped_and_the_others_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path, "carried")
    monkeypatch.setattr(gpu_machine, "MARGIN_SECONDS", 0.2)
    parts = (Part("first", ("--device", "cpu", "--seconds", "600"), 0.02), Part("second", (), 0.0))
    assert run(tmp_path, tmp_path / "out", parts, limit=100) == 1
    error = capsys.readouterr().err
    assert "first: stopped" in error and "second: no time left" in error
    assert (tmp_path / "out" / "all.md").exists() and (tmp_path / "out" / "first.log").exists()


def test_all_parts_take_less_than_ten_minutes() -> None:
    assert sum(part.share for part in GPU_PARTS) == pytest.approx(1)
    assert gpu_machine.LIMIT_SECONDS < 600


def test_every_package_is_pinned_in_the_constraints() -> None:
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert {name.partition("[")[0].replace("-", "_") for name in PACKAGES} <= {
        name.replace("-", "_") for name in pinned
    }


def test_it_needs_only_the_standard_library_until_its_packages_are_installed() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tests.bench.gpu_machine"
    assert subprocess.run([sys.executable, "-S", "-c", code], check=False).returncode == 0


def test_the_engine_without_cost_is_measured_with_both_sides_cpu() -> None:
    from tests.bench.gpu_parts.instant_run import run_instant, usable_cores

    encoding, small, large = run_instant(0.3)
    assert usable_cores() <= (psutil.cpu_count() or 1)
    assert encoding.figures["service_rate"] > 0 and encoding.figures["pillow_in_memory_rate"] > 0
    for case in (small, large):
        assert case.figures["lost"] == case.figures["refused"] == 0
        assert case.figures["images_per_second"] > 0
        assert case.figures["service_cpu_ms"] >= case.figures["loop_cpu_ms"] >= 0
