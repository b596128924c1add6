"""The benchmark of the gallery runs, and all its requests succeed. Its measurements are not checked here."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT

pytestmark = pytest.mark.processes


def test_benchmark_measures_every_page() -> None:
    options = ["--rows", "120", "--seconds", "0.05", "--rounds", "1", "--callers", "2"]
    command = [sys.executable, "tests/bench/gallery.py", *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    lines = result.stdout.splitlines()
    for kind in ("feed", "next page", "creation", "profile", "like or unlike"):
        assert any(line.startswith(kind) for line in lines), result.stderr
    assert "failed" not in result.stdout
