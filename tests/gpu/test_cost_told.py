"""`python -m gpu.cost`: what a host reads before anything is rented, and one line for each wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu.cost import prices

ROOT = Path(__file__).parents[2]


def told(**environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GPU_", "DEPLOY_"))}
    return subprocess.run(
        [sys.executable, "-m", "gpu.cost"],
        check=False,
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_host_reads_ceiling_floor_licence_and_the_date_of_the_prices():
    result = told(GPU_MODEL="sd-turbo", DEPLOY_DAY_MIN="1", DEPLOY_MEMORY_GIB="10")
    usd = prices.per_second("L4", cores=2, gib=10)
    assert result.returncode == 0
    assert f"ceiling    ${3 * usd * 3600:.2f} an hour" in result.stdout
    assert f"idle       ${16 * usd * 3600:.2f} a day, ${480 * usd * 3600:.2f} a month" in result.stdout
    assert "stability.ai/license" in result.stdout and prices.DATE in result.stdout


def test_a_host_is_warned_of_a_card_that_is_too_small():
    assert "warning    flux2-klein-4b needs" in told(GPU_MODEL="flux2-klein-4b", DEPLOY_CARD="T4").stdout
    assert "warning" not in told(GPU_MODEL="flux2-klein-4b", DEPLOY_CARD="H100").stdout


def test_a_host_is_warned_of_too_little_memory_and_of_what_is_no_setting():
    result = told(GPU_MODEL="z-image-turbo", DEPLOY_MEMORY_GIB="8", DEPLOY_DAYMAX="1", DEPLOY_DAY_MAX="2")
    assert "warning    z-image-turbo is loaded through memory" in result.stdout
    assert "warning    DEPLOY_DAYMAX is no setting" in result.stdout and "DEPLOY_DAY_MAX " not in result.stdout
    assert "warning" in told(GPU_MODEL="sd35-turbo", DEPLOY_CARD="a10g").stdout, "by the card's other name"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DEPLOY_DAY_MAX", "many", "DEPLOY_DAY_MAX: "),
        ("DEPLOY_CARD", "RTX4090", "DEPLOY_CARD: "),
        ("DEPLOY_TIMEZONE", "Nowhere", "DEPLOY_...: 'Nowhere' is no timezone"),
        ("DEPLOY_DAY_MIN", "9", "DEPLOY_...: by day"),
        ("GPU_COMPILE", "maybe", "GPU_COMPILE: "),
        ("GPU_MODEL", "sd-turob", "GPU_MODEL: is no preset (sdxl-lightning, "),
        ("GPU_MODEL", "https://huggingface.co/stabilityai/sd-turbo", "GPU_MODEL: is an address"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(name, value, line):
    result = told(**{name: value})
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith(line) and result.stderr.count("\n") == 1
