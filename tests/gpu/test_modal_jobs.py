"""The hourly policy and the fetching of weights, as Modal calls them, against a stand-in for its control plane."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("modal", reason="modal is not installed: the modal extra")

from tests.support.modal_processes import account, python
from tests.support.modal_server import ControlPlane, running
from tests.support.tiny_models import tiny_model


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with running(ControlPlane()) as plane:
        yield plane


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


def cached(volume: Path) -> Path:
    """Where a volume keeps what came of the model somebody/tiny."""
    repository, revision = volume / "models--somebody--tiny", "a" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    return repository / "snapshots" / revision


def fetch_weights(plane: ControlPlane, volume: Path) -> None:
    settings = {"GPU_ENGINE": "diffusers", "GPU_MODEL": "somebody/tiny", "GPU_SAFETY": "off"}
    quietly = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    code = "from gpu.app import fetch_weights; fetch_weights.local()"
    python(code, HF_HUB_CACHE=str(volume), **settings, **quietly, **account(plane))


def test_fetching_loads_once_without_a_card_and_keeps_what_came(plane, tmp_path):
    tiny_model(cached(tmp_path))
    fetch_weights(plane, tmp_path)
    assert [asked.volume_id for asked in plane.asked["VolumeCommit"]] == ["vo-threadpaint-weights"]


def test_fetching_weights_that_are_not_whole_fails(plane, tmp_path):
    weights = tiny_model(cached(tmp_path)) / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(subprocess.CalledProcessError):
        fetch_weights(plane, tmp_path)
    assert plane.asked["VolumeCommit"] == []


def test_a_container_loads_a_model_from_the_volume_offline_and_writes_nothing_there(tmp_path):
    tiny_model(cached(tmp_path))
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
