"""The Modal file without Modal: imported, served here, deployed to a stand-in for Modal's control plane."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from tests.support.modal_server import ControlPlane, running
from tests.support.tiny_models import tiny_model

ROOT = Path(__file__).parents[2]
ASKED = {"prompt": "a lake", "seeds": [1], "width": 64, "height": 64}


def clean_environment() -> dict[str, str]:
    """No account, no settings of this machine."""
    foreign = ("GPU_", "DEPLOY_", "MODAL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "MODAL_CONFIG_PATH": "/nonexistent"
    }


def python(code: str, folder: Path = ROOT, **environment: str) -> None:
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)} | environment
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True, timeout=60)


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with running(ControlPlane()) as plane:
        yield plane


def account(plane: ControlPlane) -> dict[str, str]:
    return {"MODAL_SERVER_URL": plane.url, "MODAL_TOKEN_ID": "ak-test", "MODAL_TOKEN_SECRET": "as-test"}


# Imported.


def test_importing_it_opens_no_connection_and_loads_no_model():
    python(
        "import socket, sys\n"
        "def forbidden(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "import gpu.app\n"
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )


def test_the_image_holds_what_the_tests_ran_with():
    from gpu.app import PACKAGES

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    assert {name: pinned.get(name) for name, _ in map(split, PACKAGES)} == dict(map(split, PACKAGES))


def split(package: str) -> tuple[str, str]:
    name, _, version = package.partition("==")
    return name, version


def test_the_image_holds_all_that_the_service_imports():
    from gpu.app import PACKAGES

    installed = {name.replace("-", "_").lower() for name, _ in map(split, PACKAGES)}
    # Modal brings itself; the two commands are for a terminal.
    known = installed | {"modal"} | set(sys.stdlib_module_names) | {"gpu"}
    for path in (ROOT / "gpu").rglob("*.py"):
        if path.name != "__main__.py":
            assert {{"PIL": "pillow"}.get(name, name) for name in imported(path)} <= known, path


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


# Served here.


@pytest.fixture
def gpu(monkeypatch):
    """A container of the class, on this machine, with the sketch for a model."""
    monkeypatch.setenv("GPU_ENGINE", "sketch")
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    monkeypatch.setenv("GPU_CARD", "L4")
    monkeypatch.setenv("GPU_USD_PER_SECOND", "0.000222")
    from gpu.app import Gpu

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that volumes are not mounted here
        container = Gpu()
        container.web.local()
        yield container
    container.service.state.engine_thread.stop()


def test_it_serves_the_same_contract(gpu):
    with TestClient(gpu.service) as client:
        assert client.get("/healthz").json()["status"] == "ok", "it answers before its engine is ready"
        assert client.post("/v1/paint", json=ASKED).status_code == 401
        answer = client.post("/v1/paint", json=ASKED, headers={"Authorization": "Bearer s3cret"}).json()
    assert answer["model"] == "sketch"


def test_each_answer_carries_what_the_card_costs_and_its_idle_time(gpu):
    from gpu.app import DEPLOYMENT

    status, text = asyncio.run(gpu.paint.local(json.dumps(ASKED)))
    answer = json.loads(text)
    assert status == 200
    assert answer["cost"] == {"card": "L4", "usd_per_second": 0.000222}
    window = DEPLOYMENT.plan.at(datetime.now(UTC)).scaledown_window
    assert window <= answer["seconds"]["idle"] < window + 60, "the first one carries the end to come"


def test_modal_run_paints_one_prompt_twice_and_says_what_it_took(gpu, tmp_path):
    from gpu.trial import try_out

    lines: list[str] = []
    path = try_out(
        lambda order: asyncio.run(gpu.paint.local(order)),
        lines.append,
        prompt="a lighthouse",
        seed=1,
        out=tmp_path / "p",
    )
    assert [line.split()[0] for line in lines] == ["cold", "warm"]
    assert all("painting" in line and "$" in line and "on L4" in line for line in lines)
    assert "lighthouse" not in str(lines)
    assert Image.open(path).size == (512, 512)


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, '{"error": "the engine failed"}'), (200, '{"pictures": [{"image": null}], "seconds": {}, "cost": null}')],
)
def test_modal_run_says_what_went_wrong(tmp_path, status, text):
    from gpu.trial import TrialFailed, try_out

    answer = json.loads(text)
    if status == 200:
        answer["seconds"] = dict.fromkeys(("queued", "painting", "checking", "encoding", "gpu", "idle"), 0.1)
    with pytest.raises(TrialFailed):
        try_out(lambda _: (status, json.dumps(answer)), lambda _: None, prompt="a", seed=1, out=tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_a_container_whose_model_does_not_load_says_why_and_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("GPU_ENGINE", "diffusers")
    monkeypatch.setenv("GPU_MODEL", str(tmp_path / "nothing"))
    from gpu.app import Gpu

    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="fetch_weights"):
        warnings.simplefilter("ignore")
        Gpu().web.local()


def test_a_container_that_breaks_takes_no_more_orders(gpu):
    """Outside of a container nothing can be stopped, so only that it would be is seen here."""
    from gpu import app

    assert gpu.service.state.engine_thread.on_broken is app._leave
    app._leave()


# Deployed.


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


# The policy of the hour.


def keep_policy(plane: ControlPlane, **environment: str) -> None:
    python("from gpu.app import keep_policy; keep_policy.local()", **account(plane), **environment)


def told_to_autoscaler(plane: ControlPlane) -> list[tuple[str, int, int, int, int]]:
    return [
        (
            asked.function_id,
            asked.settings.min_containers,
            asked.settings.max_containers,
            asked.settings.buffer_containers,
            asked.settings.scaledown_window,
        )
        for asked in plane.asked["FunctionUpdateSchedulingParams"]
    ]


def hours(*, day_since: int) -> dict[str, str]:
    """A plan whose day began so many hours ago and lasts twelve."""
    began = datetime.now(UTC) - timedelta(hours=day_since)
    return {"DEPLOY_DAY_BEGINS": str(began.hour), "DEPLOY_NIGHT_BEGINS": str((began + timedelta(hours=12)).hour)}


def test_by_day_the_cron_job_sets_the_days_numbers(plane):
    keep_policy(plane, **hours(day_since=6), DEPLOY_DAY_MIN="1", DEPLOY_DAY_MAX="4", DEPLOY_DAY_BUFFER="1")
    assert told_to_autoscaler(plane) == [("fu-gpu", 1, 4, 1, 300)]


def test_by_night_the_cron_job_sets_the_nights_numbers_zeros_included(plane):
    keep_policy(plane, **hours(day_since=18), DEPLOY_DAY_MIN="1", DEPLOY_DAY_MAX="4", DEPLOY_DAY_BUFFER="1")
    [asked] = plane.asked["FunctionUpdateSchedulingParams"]
    assert told_to_autoscaler(plane) == [("fu-gpu", 0, 1, 0, 60)]
    # A field that is not sent is left as it was: a zero must be said.
    assert asked.settings.HasField("min_containers") and asked.settings.HasField("buffer_containers")


def test_it_speaks_to_the_class_of_the_deployed_app(plane):
    keep_policy(plane)
    [looked_up] = plane.asked["FunctionGet"]
    assert (looked_up.app_name, looked_up.object_tag) == ("threadpaint-gpu", "Gpu.*")


def test_a_policy_for_an_app_that_is_gone_fails_loudly(plane):
    plane.deployed = False
    with pytest.raises(subprocess.CalledProcessError):
        keep_policy(plane)
    assert told_to_autoscaler(plane) == []


def test_no_way_that_modal_gives_up_is_used(plane):
    python(
        "import warnings; warnings.simplefilter('error', DeprecationWarning)\n"
        "import modal.exception; warnings.simplefilter('error', modal.exception.DeprecationError)\n"
        "from gpu.app import keep_policy; keep_policy.local()",
        **account(plane),
    )


# The weights.


def fetch_weights(plane: ControlPlane, folder: Path, model: str) -> None:
    settings = {"GPU_ENGINE": "diffusers", "GPU_MODEL": model, "GPU_SAFETY": "off"}
    quietly = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    code = "from gpu.app import fetch_weights; fetch_weights.local()"
    python(code, folder, **settings, **quietly, **account(plane))


def test_fetching_loads_once_without_a_card_and_keeps_what_came(plane, tmp_path):
    tiny_model(tmp_path / "tiny")
    fetch_weights(plane, tmp_path, "tiny")
    assert [asked.volume_id for asked in plane.asked["VolumeCommit"]] == ["vo-threadpaint-weights"]


def test_fetching_weights_that_are_not_whole_fails(plane, tmp_path):
    (tmp_path / "half").mkdir()
    with pytest.raises(subprocess.CalledProcessError):
        fetch_weights(plane, tmp_path, "half")
    assert plane.asked["VolumeCommit"] == []


def test_a_container_loads_a_model_from_the_volume_offline_and_writes_nothing_there(tmp_path):
    repository = tmp_path / "models--somebody--tiny"
    tiny_model(repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    python(
        "import warnings; warnings.simplefilter('ignore')\nfrom gpu.app import Gpu; Gpu().web.local()",
        GPU_ENGINE="diffusers",
        GPU_MODEL="somebody/tiny",
        GPU_SAFETY="off",
        GPU_WARM_UP="false",
        HF_HUB_CACHE=str(tmp_path),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
    )
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


# make deploy-gpu


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
