"""Prices, autoscaling by day and night, and the deployment that the environment describes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from gpu.deploy import prices
from gpu.deploy.settings import OLD_NAMES, DeploySettings, load_deployment, unknown_settings
from gpu.diffusion.presets import PRESETS
from gpu.settings import old_names_warning


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("GPU_", "DEPLOY_")):
            monkeypatch.delenv(name)


def berlin(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin"))


# Prices.


def test_a_container_costs_gpu_cores_and_memory() -> None:
    assert prices.container_price("L4", cores=2, gib=10) == pytest.approx(0.000222 + 2 * 0.0000131 + 10 * 0.00000222)


def test_less_than_the_minimum_of_cores_costs_the_minimum() -> None:
    assert prices.container_price("T4", cores=0.01, gib=0) == prices.container_price("T4", cores=0.125, gib=0)


@pytest.mark.parametrize(("name", "same"), [("l40s", "L40S"), ("A100", "A100-40GB"), ("h100!", "H100"), (" T4 ", "T4")])
def test_gpu_types_have_aliases(name: str, same: str) -> None:
    assert prices.gpu_price(name) == prices.gpu_price(same)


@pytest.mark.parametrize("name", ["RTX4090", "", "H100:2", "L4 " + "x" * 1000])
def test_an_unknown_gpu_type_is_rejected_with_the_known_ones(name: str) -> None:
    with pytest.raises(prices.UnknownGpu, match="known are T4, L4, A10") as refused:
        prices.container_price(name, cores=1, gib=1)
    assert len(str(refused.value)) < 250


def test_gpu_types_are_sorted_by_price() -> None:
    values = [gpu.usd_per_second for gpu in prices.GPU_TYPES.values()]
    assert values == sorted(values)
    assert datetime.fromisoformat(prices.DATE) and prices.SOURCE


def test_every_preset_recommends_a_priced_gpu_with_enough_memory() -> None:
    for preset in PRESETS:
        assert preset.vram_gb <= prices.GPU_TYPES[preset.gpu_type].memory_gb, preset.name


# Day and night.


def test_day_and_night_change_at_their_hours() -> None:
    settings = DeploySettings(timezone="Europe/Berlin")
    hours = {hour: settings.policy_at(berlin(2026, 11, 20, hour, 59)).name for hour in range(24)}
    assert [hour for hour, name in hours.items() if name == "day"] == list(range(7, 23))


def test_the_day_may_last_past_midnight() -> None:
    settings = DeploySettings(day_start_hour=18, night_start_hour=2)
    names = {hour: settings.policy_at(datetime(2026, 11, 20, hour, tzinfo=UTC)).name for hour in range(24)}
    assert [hour for hour, name in names.items() if name == "day"] == [0, 1, *range(18, 24)]


@pytest.mark.parametrize("wrong", [{"day_max": 0}, {"day_min": 4}, {"day_buffer": 4}, {"day_max": 1, "day_min": 2}])
def test_a_contradictory_policy_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="day"):
        DeploySettings(**wrong)


@pytest.mark.parametrize("zone", ["Nowhere", "", "../../etc/passwd", "Europe", "/etc/localtime", "\x00"])
def test_an_unknown_timezone_is_rejected(zone: str) -> None:
    with pytest.raises(ValidationError, match="unknown timezone"):
        DeploySettings(timezone=zone)


def test_equal_start_hours_are_rejected() -> None:
    with pytest.raises(ValidationError, match="same hour"):
        DeploySettings(night_start_hour=7)


def test_a_naive_datetime_is_rejected() -> None:
    with pytest.raises(ValueError, match="timezone"):
        DeploySettings().policy_at(datetime(2026, 11, 20))  # noqa: DTZ001


# The deployment.


def test_by_default_nothing_runs_without_requests() -> None:
    deployment = load_deployment()
    day, night = deployment.settings.day, deployment.settings.night
    assert (day.min_containers, day.buffer_containers, day.max_containers) == (0, 0, 3)
    assert (night.min_containers, night.buffer_containers, night.max_containers) == (0, 0, 1)
    assert deployment.settings.snapshot == "off"


def test_the_operator_may_override_the_presets_gpu_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_MODEL", "sd-turbo")
    small = load_deployment()
    assert small.gpu_type == "L4"
    monkeypatch.setenv("DEPLOY_GPU_TYPE", "h100")
    large = load_deployment()
    assert large.gpu_type == "H100" and large.gib == small.gib
    assert large.usd_per_second == prices.container_price("H100", cores=2, gib=small.gib)


def test_old_names_of_settings_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DEPLOY_CARD": "h100", "DEPLOY_DAY_BEGINS": "9", "DEPLOY_NIGHT_BEGINS": "21"}.items():
        monkeypatch.setenv(name, value)
    deployment = load_deployment()
    assert deployment.gpu_type == "H100"
    assert (deployment.settings.day.start_hour, deployment.settings.night.start_hour) == (9, 21)
    assert unknown_settings() == []
    assert old_names_warning(OLD_NAMES) == (
        "Setting DEPLOY_CARD is now DEPLOY_GPU_TYPE, DEPLOY_DAY_BEGINS is now DEPLOY_DAY_START_HOUR, "
        "DEPLOY_NIGHT_BEGINS is now DEPLOY_NIGHT_START_HOUR; old names stop working in 0.2"
    )


def test_an_unknown_model_gets_a_large_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_MODEL", "somebody/something")
    assert load_deployment().gpu_type == "L40S"


def test_the_operators_price_needs_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_USD_PER_SECOND", "0.0005")
    monkeypatch.setenv("DEPLOY_GPU_TYPE", "B300")
    assert load_deployment().usd_per_second == 0.0005


def test_a_container_reads_the_same_deployment_as_the_machine_that_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {
        "GPU_MODEL": "sd-turbo",
        "GPU_COMPILE": "regional",
        "GPU_CHANNELS_LAST": "false",
        "DEPLOY_TIMEZONE": "Asia/Kathmandu",
        "DEPLOY_DAY_MIN": "1",
        "DEPLOY_NIGHT_START_HOUR": "1",
        "DEPLOY_GPU_TYPE": "l4",
        "DEPLOY_SNAPSHOT": "gpu",
    }
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    deployed = load_deployment()
    for name in here:
        monkeypatch.delenv(name)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    arrived = load_deployment()
    assert arrived.settings == deployed.settings and arrived.settings.snapshot == "gpu"
    assert arrived.gib == deployed.gib
    assert arrived.usd_per_second == pytest.approx(deployed.usd_per_second, abs=1e-9)
    assert arrived.environment["GPU_CHANNELS_LAST"] == "False"


def test_secrets_and_addresses_are_not_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GPU_TOKEN": "s3cret", "GPU_HOST": "0.0.0.0", "GPU_PORT": "1", "GPU_DEVICE": "cpu"}.items():
        monkeypatch.setenv(name, value)
    environment = load_deployment().environment
    assert not {"GPU_TOKEN", "GPU_HOST", "GPU_PORT", "GPU_DEVICE"} & environment.keys()
    assert "s3cret" not in str(environment)


@pytest.mark.parametrize("name", ["GPU_MODEL", "GPU_SAFETY_MODEL", "GPU_TEXT_MODEL"])
def test_a_local_folder_is_rejected_and_one_of_the_volume_is_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "./models/mine")
    with pytest.raises(ValueError, match="modal volume put"):
        load_deployment()
    monkeypatch.setenv(name, "/weights/mine")
    assert load_deployment().environment[name] == "/weights/mine"


def test_an_existing_local_folder_is_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "sd-turbo").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPU_MODEL", "models/mine")
    with pytest.raises(ValueError, match="modal volume put"):
        load_deployment()
    monkeypatch.setenv("GPU_MODEL", "sd-turbo")
    assert load_deployment().model == "sd-turbo"


@pytest.mark.parametrize("engine", ["", "sketch", "diffusers"])
def test_a_misspelled_preset_is_rejected(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("GPU_ENGINE", engine)
    monkeypatch.setenv("GPU_MODEL", "sd-turob")
    with pytest.raises(ValidationError, match="sd-turbo"):
        load_deployment()


@pytest.mark.parametrize("name", ["DEPLOY_DAY_MAX", "DEPLOY_CORES", "DEPLOY_SNAPSHOT", "DEPLOY_NIGHT_SCALEDOWN"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1e9", "nan"])
def test_a_wrong_number_is_rejected(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        load_deployment()
