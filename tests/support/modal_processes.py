"""Run Python in its own process with Modal: without this machine's settings and account."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.modal_server import ControlPlane

ROOT = Path(__file__).parents[2]


def clean_environment() -> dict[str, str]:
    """Return the environment without Modal account, settings of this machine, and variables of `make`."""
    foreign = ("GPU_", "DEPLOY_", "MODAL_", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "MODAL_CONFIG_PATH": "/nonexistent"
    }


def python(code: str, environment: Mapping[str, str] | None = None, *, folder: Path = ROOT) -> None:
    variables = clean_environment() | {"PYTHONPATH": str(ROOT)} | dict(environment or {})
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=variables, check=True, timeout=120)


def account(plane: ControlPlane) -> dict[str, str]:
    return {"MODAL_SERVER_URL": plane.url, "MODAL_TOKEN_ID": "ak-test", "MODAL_TOKEN_SECRET": "as-test"}
