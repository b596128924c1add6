"""The benchmarks of the gallery run, and all their requests succeed. Their measurements are not checked here."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT

pytestmark = pytest.mark.processes


def run_bench(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_benchmark_measures_every_page() -> None:
    result = run_bench(
        "tests/bench/gallery.py", "--rows", "120", "--seconds", "0.05", "--rounds", "1", "--callers", "2"
    )
    lines = result.stdout.splitlines()
    for kind in ("feed", "next page", "creation", "profile", "like or unlike"):
        assert any(line.startswith(kind) for line in lines), result.stderr
    assert "failed" not in result.stdout


def test_benchmark_of_live_updates_opens_all_streams() -> None:
    few = ("--listeners", "5", "--watching", "4", "--waiting", "40", "--seconds", "1", "--rounds", "1")
    result = run_bench("tests/bench/live.py", *few)
    assert "9 open" in result.stdout, result.stderr
    assert result.stdout.count("  0 failed") == 2, result.stdout
