"""The bench of the gallery runs, and what it asks for is answered. What it measures is not looked at here."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT

pytestmark = pytest.mark.processes


def test_every_page_of_the_bench_is_answered():
    options = ["--rows", "120", "--seconds", "0.05", "--rounds", "1", "--callers", "2"]
    command = [sys.executable, "tests/bench/gallery.py", *options]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    lines = told.stdout.splitlines()
    for kind in ("wall", "next page", "creation", "person", "like or unlike"):
        assert any(line.startswith(kind) for line in lines), told.stderr
    assert "failed" not in told.stdout
