"""The tests read no `.env`: a checkout may contain that of a live instance, with its keys and database."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.child_processes import ROOT, child_environment

NONSENSE = """\
DATABASE_URL=nonsense://live.example/nothing
REDIS_URL=nonsense://live.example
STORAGE_URL=nonsense://live.example
GPU_URL=nonsense://live.example
X_API_URL=nonsense://live.example
GALLERY_PORT=nonsense
LOG_LEVEL=nonsense
"""
# One test that starts each program, and one that reads settings in its own process.
SELECTED = (
    "tests/core/test_commands.py::test_status_and_costs_of_an_empty_instance_are_printed",
    "tests/core/test_private_files.py::test_a_new_folder_and_database_are_private",
    "tests/core/test_settings.py::test_defaults_are_in_the_data_folder",
    "tests/worker/test_pool.py::test_dead_processes_are_restarted",
    "tests/gallery/test_app.py::test_serves_without_secrets_and_stops_within_seconds",
    "tests/bot/test_announcement.py::test_dry_run_shows_lengths_and_prices_and_posts_nothing",
)


@pytest.mark.processes
@pytest.mark.slow
def test_an_env_file_in_the_checkout_changes_nothing(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("bot", "core", "gallery", "gpu", "sandbox", "tests", "worker"):
        shutil.copytree(ROOT / name, checkout / name)  # with its bytecode, which takes seconds to compile
    for name in ("pyproject.toml", "Procfile", "Procfile.demo"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / ".env").write_text(NONSENSE)
    environment = child_environment(PYTHONPATH=str(checkout))
    del environment["ENV_FILE"]
    for command in (["-m", "core", "status"], ["-m", "pytest", "-q", "-p", "no:cacheprovider", *SELECTED]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=checkout, env=environment, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        if "pytest" in command:
            assert done.returncode == 0, done.stdout[-3000:]
        else:
            # Programs read the file, since it is where that of a live instance would be.
            assert "live.example" in done.stderr + done.stdout or "is wrong" in done.stderr
