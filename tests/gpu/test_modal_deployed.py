"""Test what `modal deploy` sends to a fake of Modal's control plane, and `make deploy-gpu`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import Image

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from tests.support.gpu_requests import REQUEST, as_base64
from tests.support.modal_processes import ROOT, account, clean_environment
from tests.support.modal_server import ControlPlane, running
from tests.support.servers import free_port, process, wait_until

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def deployed() -> dict[str, Any]:
    """Return what `modal deploy` sends to Modal by day, by function name."""
    return deploy(day=True, GPU_MODEL="sd-turbo", GPU_TOKEN="s3cret", DEPLOY_DAY_BUFFER="1")


@pytest.fixture(scope="module")
def at_night() -> dict[str, Any]:
    """The same by night in another timezone, with snapshots of the GPU."""
    policy = {"DEPLOY_DAY_MIN": "2", "DEPLOY_NIGHT_SCALEDOWN": "30", "DEPLOY_SNAPSHOT": "gpu"}
    return deploy(day=False, timezone="Asia/Kathmandu", **policy)


def deploy(*, day: bool, timezone: str = "UTC", **environment: str) -> dict[str, Any]:
    """Deploy with a schedule in which it is day or night now."""
    hour = datetime.now(ZoneInfo(timezone))
    start = (hour - timedelta(hours=6)).hour
    now, later = ("DAY", "NIGHT") if day else ("NIGHT", "DAY")
    hours = {
        f"DEPLOY_{now}_START_HOUR": start,
        f"DEPLOY_{later}_START_HOUR": (start + 12) % 24,
    }
    with running(ControlPlane()) as plane:
        given = {name: str(value) for name, value in hours.items()} | environment | account(plane)
        given["DEPLOY_TIMEZONE"] = timezone
        command = [sys.executable, "-m", "modal", "deploy", "-m", "gpu.app"]
        result = subprocess.run(
            command, cwd=ROOT, env=clean_environment() | given, check=False, capture_output=True, text=True, timeout=100
        )
    assert result.returncode == 0, result.stderr
    functions = {asked.function.function_name: asked.function for asked in plane.asked["FunctionCreate"]}
    secrets = {f"st-{number}": asked for number, asked in enumerate(plane.asked["SecretGetOrCreate"], 1)}
    files = {file.filename for asked in plane.asked["MountGetOrCreate"] for file in asked.files}
    images = plane.asked["ImageGetOrCreate"]
    return {"functions": functions, "secrets": secrets, "images": images, "files": files}


def autoscaler(deployed: Any) -> tuple[int, int, int, int]:
    settings = deployed["functions"]["Gpu.*"].autoscaler_settings
    return (
        settings.min_containers,
        settings.max_containers,
        settings.buffer_containers,
        settings.scaledown_window,
    )


def test_by_day_it_deploys_the_day_policy(deployed: Any) -> None:
    assert autoscaler(deployed) == (0, 3, 1, 300)


def test_by_night_it_deploys_the_night_policy(at_night: Any) -> None:
    assert autoscaler(at_night) == (0, 1, 0, 30)
    gpu = at_night["functions"]["Gpu.*"]
    assert gpu.checkpointing_enabled and gpu.experimental_options["enable_gpu_snapshot"] == "True"
    assert environment_of(at_night, "Gpu.*")["TORCHINDUCTOR_COMPILE_THREADS"] == "1"


def test_the_container_matches_its_price(deployed: Any) -> None:
    from gpu.deploy import prices

    resources = deployed["functions"]["Gpu.*"].resources
    assert (resources.gpu_config.gpu_type, resources.gpu_config.count) == ("L4", 1)
    assert resources.milli_cpu == resources.milli_cpu_max and resources.memory_mb == resources.memory_mb_max > 0
    usd = prices.container_price("L4", cores=resources.milli_cpu / 1000, gib=resources.memory_mb / 1024)
    assert float(environment_of(deployed, "Gpu.*")["GPU_USD_PER_SECOND"]) == pytest.approx(usd, abs=1e-9)
    assert environment_of(deployed, "Gpu.*")["GPU_TYPE"] == "L4"


def environment_of(deployed: Any, function: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for number in deployed["functions"][function].secret_ids:
        given |= deployed["secrets"][number].env_dict
    return given


def test_containers_are_shared_and_need_both_tokens(deployed: Any) -> None:
    gpu = deployed["functions"]["Gpu.*"]
    assert 1 < gpu.target_concurrent_inputs < gpu.max_concurrent_inputs
    assert gpu.method_definitions["web"].webhook_config.requires_proxy_auth
    named = [deployed["secrets"][number] for number in gpu.secret_ids if deployed["secrets"][number].deployment_name]
    assert [(one.deployment_name, list(one.required_keys)) for one in named] == [("threadpaint-gpu", ["GPU_TOKEN"])]


def test_the_local_token_is_not_deployed(deployed: Any) -> None:
    assert "s3cret" not in str(deployed)


def test_a_container_reads_its_weights_and_never_downloads_them(deployed: Any) -> None:
    [mount] = deployed["functions"]["Gpu.*"].volume_mounts
    assert (mount.volume_id, mount.mount_path, mount.read_only) == ("vo-threadpaint-weights", "/weights", True)
    assert environment_of(deployed, "Gpu.*")["HF_HUB_OFFLINE"] == "1"
    [mount] = deployed["functions"]["fetch_weights"].volume_mounts
    assert (mount.mount_path, mount.read_only) == ("/weights", False)
    assert "HF_HUB_OFFLINE" not in environment_of(deployed, "fetch_weights")
    assert "ENV HF_HUB_CACHE=/weights" in str(deployed["images"]).replace("'", "")


def test_the_image_can_compile_and_pins_every_package(deployed: Any) -> None:
    from gpu.app import PACKAGES

    built = str(deployed["images"])
    assert "g++" in built
    assert [package for package in PACKAGES if package not in built] == []


def test_the_download_needs_no_gpu_and_runs_once_at_a_time(deployed: Any) -> None:
    download = deployed["functions"]["fetch_weights"]
    assert not download.resources.gpu_config.gpu_type and download.autoscaler_settings.max_containers == 1


def test_a_cron_job_applies_the_policy_every_hour(at_night: Any) -> None:
    elsewhere = at_night["functions"]["apply_policy"]
    assert elsewhere.schedule.cron.cron_string == "1 * * * *"
    assert elsewhere.schedule.cron.timezone == "Asia/Kathmandu"
    assert not elsewhere.resources.gpu_config.gpu_type and elsewhere.retry_policy.retries == 3


def test_the_deployed_files_are_a_whole_service(deployed: Any, tmp_path: Path) -> None:
    for name in deployed["files"]:
        path = Path(name).relative_to("/root")
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, tmp_path / path)
    # Without `site`, this checkout is not importable, although it may be installed.
    search_path, port = os.pathsep.join([str(tmp_path), sysconfig.get_path("purelib")]), free_port()
    command = ("-S", "-m", "gpu", "--port", str(port), "--engine", "sketch")
    with process(*command, environment={"PYTHONPATH": search_path}):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "it did not start")
        for kind in ("PNG", "AVIF"):  # AVIF is read in a child process
            init_image = as_base64(Image.new("RGB", (64, 64), "red"), kind)
            answer = httpx.post(f"{url}/v1/paint", json=REQUEST | {"init_image": init_image}, timeout=60)
            assert answer.status_code == 200, answer.text


def make(*words: str) -> subprocess.CompletedProcess[str]:
    # The packages are installed already; the test covers the steps after that.
    command = ["make", "-o", ".venv/.modal", *words, "deploy-gpu"]
    return subprocess.run(
        command, check=False, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_deploy_gpu_prints_the_cost_first() -> None:
    commands = make("-n").stdout
    steps = [commands.index(step) for step in ("-m gpu.deploy", "token_id", "fetch_weights", "modal deploy -m gpu.app")]
    assert steps == sorted(steps)


@pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / ".venv/bin/modal").exists(), reason="not set up by make"
)
def test_make_deploy_gpu_without_an_account_is_one_clear_line() -> None:
    result = make()
    assert result.returncode != 0
    assert "ceiling " in result.stdout
    assert re.search(r"^MODAL_TOKEN_ID: no account", result.stdout.splitlines()[-1])
    assert "Traceback" not in result.stdout + result.stderr
