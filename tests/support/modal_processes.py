"""Python in a process of its own that meets Modal: no settings of this machine, no account but a given one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.modal_server import ControlPlane

ROOT = Path(__file__).parents[2]


def clean_environment() -> dict[str, str]:
    """No account, no settings of this machine, and not what a `make` around the tests hands down."""
    foreign = ("GPU_", "DEPLOY_", "MODAL_", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "MODAL_CONFIG_PATH": "/nonexistent"
    }


def python(code: str, folder: Path = ROOT, **environment: str) -> None:
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)} | environment
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True, timeout=60)


def account(plane: ControlPlane) -> dict[str, str]:
    return {"MODAL_SERVER_URL": plane.url, "MODAL_TOKEN_ID": "ak-test", "MODAL_TOKEN_SECRET": "as-test"}
