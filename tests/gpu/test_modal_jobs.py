"""The hourly policy and the weights download, against a fake of Modal's control plane."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from gpu.download_weights import DownloadFailed, download
from gpu.settings import ServiceSettings
from tests.support.modal_processes import account, python
from tests.support.modal_server import ControlPlane, running
from tests.support.tiny_models import tiny_model


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with running(ControlPlane()) as plane:
        yield plane


# One process for all: importing modal takes longer than the job. The job reads its settings at the import.
JOBS = """
import importlib, json, os, sys, warnings
warnings.simplefilter("error", DeprecationWarning)
import modal.exception
warnings.simplefilter("error", modal.exception.DeprecationError)
import gpu.app
for environment in json.loads(os.environ["JOBS"]):
    os.environ.update(environment)
    importlib.reload(gpu.app).apply_policy.local()
"""


def apply_policy(plane: ControlPlane, *jobs: dict[str, str]) -> None:
    """Run the job with each of these environments, one after another."""
    python(JOBS, account(plane) | {"JOBS": json.dumps(jobs)})


def autoscaler_updates(plane: ControlPlane) -> list[tuple[str, int, int, int, int]]:
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
    """Return a schedule whose day started so many hours ago and lasts twelve."""
    began = datetime.now(UTC) - timedelta(hours=day_since)
    return {
        "DEPLOY_DAY_START_HOUR": str(began.hour),
        "DEPLOY_NIGHT_START_HOUR": str((began + timedelta(hours=12)).hour),
    }


@pytest.fixture(scope="module")
def applied() -> Iterator[ControlPlane]:
    """Yield the control plane after the job ran by day and by night, with deprecation warnings as errors."""
    numbers = {"DEPLOY_DAY_MIN": "1", "DEPLOY_DAY_MAX": "4", "DEPLOY_DAY_BUFFER": "1"}
    with running(ControlPlane()) as plane:
        apply_policy(plane, *(numbers | hours(day_since=since) for since in (6, 18)))
        yield plane


@pytest.mark.processes
def test_by_day_the_cron_job_sets_the_days_numbers(applied: ControlPlane) -> None:
    assert autoscaler_updates(applied)[0] == ("fu-gpu", 1, 4, 1, 300)


@pytest.mark.processes
def test_by_night_the_cron_job_sets_the_nights_numbers_zeros_included(applied: ControlPlane) -> None:
    assert autoscaler_updates(applied)[1:] == [("fu-gpu", 0, 1, 0, 60)]
    # A field that is not sent is left as it was: a zero must be said.
    asked = applied.asked["FunctionUpdateSchedulingParams"][1].settings
    assert asked.HasField("min_containers") and asked.HasField("buffer_containers")


@pytest.mark.processes
def test_it_updates_the_class_of_the_deployed_app(applied: ControlPlane) -> None:
    assert {(asked.app_name, asked.object_tag) for asked in applied.asked["FunctionGet"]} == {
        ("threadpaint-gpu", "Gpu.*")
    }


@pytest.mark.processes
def test_a_policy_for_a_missing_app_raises(plane: ControlPlane) -> None:
    plane.deployed = False
    with pytest.raises(subprocess.CalledProcessError):
        apply_policy(plane, {})
    assert autoscaler_updates(plane) == []


def cached(volume: Path) -> Path:
    """Return the folder of the model somebody/tiny in a volume."""
    repository, revision = volume / "models--somebody--tiny", "a" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    return repository / "snapshots" / revision


SETTINGS = {"GPU_ENGINE": "diffusers", "GPU_MODEL": "somebody/tiny", "GPU_SAFETY": "off"}


def fetch_weights(plane: ControlPlane, **environment: str) -> None:
    quietly = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    code = "from gpu.app import fetch_weights; fetch_weights.local()"
    python(code, SETTINGS | quietly | account(plane) | environment)


@pytest.mark.processes
@pytest.mark.slow
def test_the_download_loads_once_without_gpu_and_commits(plane: ControlPlane, tmp_path: Path) -> None:
    tiny_model(cached(tmp_path))
    fetch_weights(plane, HF_HUB_CACHE=str(tmp_path))
    assert [asked.volume_id for asked in plane.asked["VolumeCommit"]] == ["vo-threadpaint-weights"]


@pytest.mark.processes
def test_a_failed_download_is_not_committed(plane: ControlPlane) -> None:
    # A setting that is wrong fails without loading torch; an incomplete file fails in the same process, see below.
    with pytest.raises(subprocess.CalledProcessError):
        fetch_weights(plane, GPU_MODEL="no model")
    assert plane.asked["VolumeCommit"] == []


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that this process reads instead of the cache, with a tiny model and settings for it."""
    import huggingface_hub.constants

    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert huggingface_hub.constants.HF_HUB_OFFLINE
    tiny_model(cached(tmp_path))
    return tmp_path


def test_an_incomplete_download_fails(volume: Path) -> None:
    weights = next(volume.rglob("unet/diffusion_pytorch_model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(DownloadFailed, match="incomplete"):
        download(ServiceSettings())


def test_a_container_loads_a_model_from_the_volume_offline_and_writes_nothing_there(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpu.app import Gpu

    monkeypatch.setenv("GPU_WARM_UP", "false")
    before = {path: path.stat().st_mtime_ns for path in volume.rglob("*")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that volumes are not mounted here
        container = Gpu()
        container.web.local()
    container.service.state.engine_thread.stop()
    assert {path: path.stat().st_mtime_ns for path in volume.rglob("*")} == before
