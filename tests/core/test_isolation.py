"""The tests read no `.env`: a checkout may hold the one of a live instance, with its keys and its database."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.children import ROOT, child_environment

NONSENSE = """\
DATABASE_URL=nonsense://live.example/nothing
REDIS_URL=nonsense://live.example
STORAGE_URL=nonsense://live.example
GPU_URL=nonsense://live.example
X_API_URL=nonsense://live.example
GALLERY_PORT=nonsense
LOG_LEVEL=nonsense
"""
# One of each way in which tests start our programs, and one that reads settings in its own process.
CHOSEN = (
    "tests/core/test_commands.py::test_the_host_sees_status_and_bill_of_an_empty_house",
    "tests/worker/test_pool.py::test_it_starts_again_what_dies",
    "tests/gallery/test_house.py::test_it_needs_no_secret_and_stops_within_seconds",
    "tests/bot/test_announcing.py::test_a_dry_run_shows_lengths_and_prices_and_posts_nothing",
    "tests/core/test_queue.py",
)


def test_a_nonsense_env_file_in_the_checkout_changes_nothing(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("bot", "core", "gallery", "gpu", "sandbox", "tests", "worker"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "Procfile", "Procfile.demo"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / ".env").write_text(NONSENSE)
    environment = child_environment(PYTHONPATH=str(checkout))
    del environment["ENV_FILE"]
    for command in (["-m", "core", "status"], ["-m", "pytest", "-q", "-p", "no:cacheprovider", *CHOSEN]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=checkout, env=environment, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        if "pytest" in command:
            assert done.returncode == 0, done.stdout[-3000:]
        else:
            # The file is where a live instance's would be: our programs read it.
            assert "live.example" in done.stderr + done.stdout or "is wrong" in done.stderr
