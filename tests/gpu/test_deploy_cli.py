"""`python -m gpu.deploy`: the cost of a deployment, and one line for each wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gpu.deploy import prices
from gpu.deploy.__main__ import main

ROOT = Path(__file__).parents[2]


def run_deploy(**environment: str) -> Result:
    """Run the command in this process."""
    command = typer.Typer()
    command.command()(main)
    return CliRunner().invoke(command, [], env=environment)


def start_deploy(**environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GPU_", "DEPLOY_"))}
    return subprocess.run(
        [sys.executable, "-m", "gpu.deploy"],
        check=False,
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.processes
def test_costs_license_and_price_date_are_printed() -> None:
    result = start_deploy(GPU_MODEL="sd-turbo", DEPLOY_DAY_MIN="1", DEPLOY_MEMORY_GIB="10")
    usd = prices.container_price("L4", cores=2, gib=10)
    assert result.returncode == 0
    assert f"ceiling    ${3 * usd * 3600:.2f} an hour" in result.stdout
    assert f"idle       ${16 * usd * 3600:.2f} a day, ${480 * usd * 3600:.2f} a month" in result.stdout
    assert "stability.ai/license" in result.stdout and prices.DATE in result.stdout


def test_a_gpu_that_is_too_small_is_a_warning() -> None:
    assert "warning    flux2-klein-4b needs" in run_deploy(GPU_MODEL="flux2-klein-4b", DEPLOY_GPU_TYPE="T4").stdout
    assert "warning" not in run_deploy(GPU_MODEL="flux2-klein-4b", DEPLOY_GPU_TYPE="H100").stdout


def test_too_little_memory_and_unknown_settings_are_warnings() -> None:
    result = run_deploy(GPU_MODEL="z-image-turbo", DEPLOY_MEMORY_GIB="8", DEPLOY_DAYMAX="1", DEPLOY_DAY_MAX="2")
    assert "warning    z-image-turbo is loaded through memory" in result.stdout
    assert "warning    DEPLOY_DAYMAX is not a setting" in result.stdout and "DEPLOY_DAY_MAX " not in result.stdout
    assert "warning" in run_deploy(GPU_MODEL="sd35-turbo", DEPLOY_GPU_TYPE="a10g").stdout, "by the card's other name"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DEPLOY_DAY_MAX", "many", "DEPLOY_DAY_MAX: "),
        ("DEPLOY_GPU_TYPE", "RTX4090", "DEPLOY_GPU_TYPE: "),
        ("DEPLOY_TIMEZONE", "Nowhere", "DEPLOY_TIMEZONE: unknown timezone 'Nowhere'"),
        ("DEPLOY_DAY_MIN", "9", "DEPLOY_...: by day"),
        ("DEPLOY_DAY_START_HOUR", "23", "DEPLOY_...: day and night start at the same hour"),
        ("GPU_COMPILE", "maybe", "GPU_COMPILE: "),
        ("GPU_MODEL", "sd-turob", "GPU_MODEL: is not a preset (sdxl-lightning, "),
        ("GPU_MODEL", "https://huggingface.co/stabilityai/sd-turbo", "GPU_MODEL: is a URL"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(name: str, value: str, line: str) -> None:
    result = run_deploy(**{name: value})
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith(line) and result.stderr.count("\n") == 1
