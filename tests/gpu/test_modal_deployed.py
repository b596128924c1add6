"""What the real `modal deploy` tells a stand-in for Modal's control plane, and `make deploy-gpu` before it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from tests.support.modal_processes import ROOT, account, clean_environment
from tests.support.modal_server import ControlPlane, running


@pytest.fixture(scope="module")
def deployed() -> dict[str, object]:
    """What the real `modal deploy` tells Modal, by day: the requests, by the function's name."""
    return deploy(day=True, GPU_MODEL="sd-turbo", GPU_TOKEN="s3cret", DEPLOY_DAY_BUFFER="1")


def deploy(*, day: bool, **environment: str) -> dict[str, object]:
    """Deploy at an hour that is day or night by the plan, whatever hour it is here."""
    hour = datetime.now(UTC)
    begins = {"BEGINS": hour - timedelta(hours=6)}, {"BEGINS": hour + timedelta(hours=6)}
    now, later = ("DAY", "NIGHT") if day else ("NIGHT", "DAY")
    hours = {f"DEPLOY_{now}_BEGINS": begins[0]["BEGINS"].hour, f"DEPLOY_{later}_BEGINS": begins[1]["BEGINS"].hour}
    with running(ControlPlane()) as plane:
        given = {name: str(value) for name, value in hours.items()} | environment | account(plane)
        command = [sys.executable, "-m", "modal", "deploy", "-m", "gpu.app"]
        result = subprocess.run(
            command, cwd=ROOT, env=clean_environment() | given, check=False, capture_output=True, text=True, timeout=100
        )
    assert result.returncode == 0, result.stderr
    functions = {asked.function.function_name: asked.function for asked in plane.asked["FunctionCreate"]}
    secrets = {f"st-{number}": asked for number, asked in enumerate(plane.asked["SecretGetOrCreate"], 1)}
    return {"functions": functions, "secrets": secrets, "images": plane.asked["ImageGetOrCreate"]}


def autoscaler(deployed) -> tuple[int, int, int, int]:
    settings = deployed["functions"]["Gpu.*"].autoscaler_settings
    return (
        settings.min_containers,
        settings.max_containers,
        settings.buffer_containers,
        settings.scaledown_window,
    )


def test_by_day_it_deploys_what_the_day_wants(deployed):
    assert autoscaler(deployed) == (0, 3, 1, 300)


def test_by_night_it_deploys_what_the_night_wants():
    at_night = deploy(day=False, DEPLOY_DAY_MIN="2", DEPLOY_NIGHT_SCALEDOWN="30", DEPLOY_SNAPSHOT="gpu")
    assert autoscaler(at_night) == (0, 1, 0, 30)
    gpu = at_night["functions"]["Gpu.*"]
    assert gpu.checkpointing_enabled and gpu.experimental_options["enable_gpu_snapshot"] == "True"
    assert environment_of(at_night, "Gpu.*")["TORCHINDUCTOR_COMPILE_THREADS"] == "1"


def test_the_container_is_what_its_price_was_reckoned_from(deployed):
    from gpu.cost import prices

    resources = deployed["functions"]["Gpu.*"].resources
    assert (resources.gpu_config.gpu_type, resources.gpu_config.count) == ("L4", 1)
    assert resources.milli_cpu == resources.milli_cpu_max and resources.memory_mb == resources.memory_mb_max > 0
    usd = prices.per_second("L4", cores=resources.milli_cpu / 1000, gib=resources.memory_mb / 1024)
    assert float(environment_of(deployed, "Gpu.*")["GPU_USD_PER_SECOND"]) == pytest.approx(usd, abs=1e-9)
    assert environment_of(deployed, "Gpu.*")["GPU_CARD"] == "L4"


def environment_of(deployed, function: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for number in deployed["functions"][function].secret_ids:
        given |= deployed["secrets"][number].env_dict
    return given


def test_many_callers_share_a_container_and_it_is_behind_two_doors(deployed):
    gpu = deployed["functions"]["Gpu.*"]
    assert 1 < gpu.target_concurrent_inputs < gpu.max_concurrent_inputs
    assert gpu.method_definitions["web"].webhook_config.requires_proxy_auth
    named = [deployed["secrets"][number] for number in gpu.secret_ids if deployed["secrets"][number].deployment_name]
    assert [(one.deployment_name, list(one.required_keys)) for one in named] == [("threadpaint-gpu", ["GPU_TOKEN"])]


def test_the_token_of_this_machine_is_told_to_nobody(deployed):
    assert "s3cret" not in str(deployed)


def test_a_container_reads_its_weights_and_never_downloads_them(deployed):
    [mount] = deployed["functions"]["Gpu.*"].volume_mounts
    assert (mount.volume_id, mount.mount_path, mount.read_only) == ("vo-threadpaint-weights", "/weights", True)
    assert environment_of(deployed, "Gpu.*")["HF_HUB_OFFLINE"] == "1"
    [mount] = deployed["functions"]["fetch_weights"].volume_mounts
    assert (mount.mount_path, mount.read_only) == ("/weights", False)
    assert "HF_HUB_OFFLINE" not in environment_of(deployed, "fetch_weights")
    assert "ENV HF_HUB_CACHE=/weights" in str(deployed["images"]).replace("'", "")


def test_the_image_can_compile_and_pins_every_package(deployed):
    from gpu.app import PACKAGES

    built = str(deployed["images"])
    assert "g++" in built
    assert [package for package in PACKAGES if package not in built] == []


def test_fetching_needs_no_card_and_happens_once_at_a_time(deployed):
    fetch = deployed["functions"]["fetch_weights"]
    assert not fetch.resources.gpu_config.gpu_type and fetch.autoscaler_settings.max_containers == 1


def test_a_cron_job_keeps_the_policy_every_hour_in_the_hosts_timezone():
    elsewhere = deploy(day=True, DEPLOY_TIMEZONE="Asia/Kathmandu")["functions"]["keep_policy"]
    assert elsewhere.schedule.cron.cron_string == "1 * * * *"
    assert elsewhere.schedule.cron.timezone == "Asia/Kathmandu"
    assert not elsewhere.resources.gpu_config.gpu_type and elsewhere.retry_policy.retries == 3


def make(*words: str) -> subprocess.CompletedProcess[str]:
    # The packages are there: what is tested is what comes after them.
    command = ["make", "-o", ".venv/.modal", *words, "deploy-gpu"]
    return subprocess.run(
        command, check=False, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_deploy_gpu_tells_the_price_before_it_rents_anything():
    commands = make("-n").stdout
    steps = [commands.index(step) for step in ("-m gpu.cost", "token_id", "fetch_weights", "modal deploy -m gpu.app")]
    assert steps == sorted(steps)


@pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / ".venv/bin/modal").exists(), reason="not set up by make"
)
def test_make_deploy_gpu_without_an_account_is_one_clear_line():
    result = make()
    assert result.returncode != 0
    assert "ceiling " in result.stdout
    assert re.search(r"^MODAL_TOKEN_ID: no account", result.stdout.splitlines()[-1])
    assert "Traceback" not in result.stdout + result.stderr
