"""Prices, day and night, and the deployment that the environment describes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gpu.cost import prices
from gpu.cost.deployment import read_deployment
from gpu.cost.policy import Plan, Policy
from gpu.diffusion.presets import PRESETS

DAY = Policy("day", begins=7, min_containers=1, max_containers=3, scaledown_window=300)
NIGHT = Policy("night", begins=23, min_containers=0, max_containers=1, scaledown_window=60)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana")


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch):
    for name in os.environ:
        if name.startswith(("GPU_", "DEPLOY_")):
            monkeypatch.delenv(name)


def berlin(*when):
    return datetime(*when, tzinfo=ZoneInfo("Europe/Berlin"))


# Prices.


def test_a_container_costs_its_card_its_cores_and_its_memory():
    assert prices.per_second("L4", cores=2, gib=10) == pytest.approx(0.000222 + 2 * 0.0000131 + 10 * 0.00000222)


def test_less_than_the_least_share_of_a_core_costs_that_share():
    assert prices.per_second("T4", cores=0.01, gib=0) == prices.per_second("T4", cores=0.125, gib=0)


@pytest.mark.parametrize(("name", "same"), [("l40s", "L40S"), ("A100", "A100-40GB"), ("h100!", "H100"), (" T4 ", "T4")])
def test_cards_go_by_all_of_their_names(name, same):
    assert prices.name_of(name) == same


@pytest.mark.parametrize("name", ["RTX4090", "", "H100:2", "L4 " + "x" * 1000])
def test_a_card_without_a_price_is_refused_with_those_that_have_one(name):
    with pytest.raises(prices.UnknownCard, match="known are T4, L4, A10") as refused:
        prices.per_second(name, cores=1, gib=1)
    assert len(str(refused.value)) < 250


def test_prices_grow_with_the_cards_and_each_has_its_memory():
    values = list(prices.CARDS.values())
    assert values == sorted(values) and prices.MEMORY_GB.keys() == prices.CARDS.keys()
    assert datetime.fromisoformat(prices.DATE) and prices.SOURCE


def test_every_preset_recommends_a_card_that_has_a_price_and_room():
    for preset in PRESETS:
        assert preset.vram_gb <= prices.MEMORY_GB[prices.name_of(preset.card)], preset.name


# Day and night.


def test_day_and_night_change_at_their_hours():
    plan = Plan(DAY, NIGHT, "Europe/Berlin")
    hours = {hour: plan.at(berlin(2026, 11, 20, hour, 59)).name for hour in range(24)}
    assert [hour for hour, name in hours.items() if name == "day"] == list(range(7, 23))


def test_a_day_may_go_past_midnight():
    plan = Plan(Policy("day", 18, 0, 3, 300), Policy("night", 2, 0, 1, 60))
    names = {hour: plan.at(datetime(2026, 11, 20, hour, tzinfo=UTC)).name for hour in range(24)}
    assert [hour for hour, name in names.items() if name == "day"] == [0, 1, *range(18, 24)]
    assert (plan.hours(plan.day), plan.hours(plan.night)) == (8, 16)


def test_the_next_change_is_when_the_other_begins():
    plan = Plan(DAY, NIGHT, "Europe/Berlin")
    assert plan.next_change(berlin(2026, 11, 20, 12)) == berlin(2026, 11, 20, 23)
    assert plan.next_change(berlin(2026, 11, 20, 23)) == berlin(2026, 11, 21, 7)
    assert plan.next_change(berlin(2026, 11, 21, 6, 59)) == berlin(2026, 11, 21, 7)


@pytest.mark.parametrize(("date", "hours_of_night"), [((2027, 3, 27), 7), ((2026, 10, 24), 9), ((2026, 11, 20), 8)])
def test_a_night_is_as_long_as_the_clocks_make_it(date, hours_of_night):
    plan = Plan(DAY, NIGHT, "Europe/Berlin")
    night = plan.next_change(berlin(*date, 12))
    slept = plan.next_change(night).astimezone(UTC) - night.astimezone(UTC)
    assert slept == timedelta(hours=hours_of_night)


def test_a_night_that_begins_in_the_hour_the_clocks_skip_begins_with_the_next():
    plan = Plan(Policy("day", 9, 0, 3, 300), Policy("night", 2, 0, 1, 60), "Europe/Berlin")
    change = plan.next_change(berlin(2027, 3, 28, 1, 30))
    assert change.astimezone(UTC) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert plan.at(change).name == "night"


@given(
    zone=st.sampled_from(ZONES),
    begins=st.permutations(range(24)),
    quarter_hour=st.integers(0, 4 * 24 * 365),
)
def test_nothing_changes_before_the_next_change(zone, begins, quarter_hour):
    plan = Plan(Policy("day", begins[0], 0, 3, 300), Policy("night", begins[1], 0, 1, 60), zone)
    now = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=15 * quarter_hour)
    change = plan.next_change(now)
    quarters = range(0, int((change - now).total_seconds()), 900)
    assert {plan.at(now + timedelta(seconds=s)).name for s in quarters} == {plan.at(now).name}
    assert plan.at(change) != plan.at(now)
    assert timedelta() < change - now <= timedelta(hours=25)


def test_the_ceiling_is_all_that_may_run_and_the_floor_what_runs_for_nobody():
    assert DAY.ceiling(0.001) == pytest.approx(10.8) and DAY.floor(0.001) == pytest.approx(3.6)
    assert NIGHT.floor(0.001) == 0
    assert Plan(DAY, NIGHT).floor_per_day(0.001) == pytest.approx(16 * 3.6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"begins": 24},
        {"begins": -1},
        {"max_containers": 0},
        {"min_containers": 4},
        {"min_containers": -1},
        {"buffer_containers": 4},
        {"buffer_containers": -1},
        {"scaledown_window": 1},
        {"scaledown_window": 3601},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong):
    right = {"begins": 7, "min_containers": 1, "max_containers": 3, "scaledown_window": 300}
    with pytest.raises(ValueError, match="day"):
        Policy("day", **(right | wrong))


@pytest.mark.parametrize("zone", ["Nowhere", "", "../../etc/passwd", "Europe", "/etc/localtime", "\x00"])
def test_what_is_no_timezone_is_refused(zone):
    with pytest.raises(ValueError, match="is no timezone"):
        Plan(DAY, NIGHT, zone)


def test_a_day_without_hours_is_refused():
    with pytest.raises(ValueError, match="same hour"):
        Plan(DAY, Policy("night", 7, 0, 1, 60))


def test_a_moment_without_timezone_is_refused():
    with pytest.raises(ValueError, match="timezone"):
        Plan(DAY, NIGHT).at(datetime(2026, 11, 20))  # noqa: DTZ001


# The deployment.


def test_by_default_nothing_runs_when_nobody_asks():
    deployment = read_deployment()
    assert deployment.plan.floor_per_day(deployment.usd_per_second) == 0
    assert (deployment.plan.day.max_containers, deployment.plan.night.max_containers) == (3, 1)
    assert deployment.snapshot == "off"


def test_the_preset_says_the_card_and_the_host_may_say_another(monkeypatch):
    monkeypatch.setenv("GPU_MODEL", "sd-turbo")
    small = read_deployment()
    assert small.card == "L4"
    monkeypatch.setenv("DEPLOY_CARD", "h100")
    large = read_deployment()
    assert large.card == "H100" and large.gib == small.gib
    assert large.usd_per_second == prices.per_second("H100", cores=2, gib=small.gib)


def test_a_model_nobody_knows_gets_a_card_that_holds_any(monkeypatch):
    monkeypatch.setenv("GPU_MODEL", "somebody/something")
    assert read_deployment().card == "L40S"


def test_the_price_of_the_host_counts_and_needs_no_table(monkeypatch):
    monkeypatch.setenv("GPU_USD_PER_SECOND", "0.0005")
    monkeypatch.setenv("DEPLOY_CARD", "B300")
    assert read_deployment().usd_per_second == 0.0005


def test_a_container_reads_the_same_deployment_as_the_machine_that_deploys(monkeypatch):
    here = {
        "GPU_MODEL": "sd-turbo",
        "GPU_COMPILE": "regional",
        "GPU_CHANNELS_LAST": "false",
        "DEPLOY_TIMEZONE": "Asia/Kathmandu",
        "DEPLOY_DAY_MIN": "1",
        "DEPLOY_NIGHT_BEGINS": "1",
        "DEPLOY_CARD": "l4",
        "DEPLOY_SNAPSHOT": "gpu",
    }
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    deployed = read_deployment()
    for name in here:
        monkeypatch.delenv(name)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    arrived = read_deployment()
    assert arrived.plan == deployed.plan and arrived.snapshot == "gpu" and arrived.gib == deployed.gib
    assert arrived.usd_per_second == pytest.approx(deployed.usd_per_second, abs=1e-9)
    assert arrived.environment["GPU_CHANNELS_LAST"] == "False"


def test_secrets_and_addresses_of_this_machine_stay_here(monkeypatch):
    for name, value in {"GPU_TOKEN": "s3cret", "GPU_HOST": "0.0.0.0", "GPU_PORT": "1", "GPU_DEVICE": "cpu"}.items():
        monkeypatch.setenv(name, value)
    environment = read_deployment().environment
    assert not {"GPU_TOKEN", "GPU_HOST", "GPU_PORT", "GPU_DEVICE"} & environment.keys()
    assert "s3cret" not in str(environment)


@pytest.mark.parametrize("name", ["GPU_MODEL", "GPU_SAFETY_MODEL"])
def test_a_folder_of_this_machine_is_refused_and_one_of_the_volume_is_not(monkeypatch, name):
    monkeypatch.setenv(name, "./models/mine")
    with pytest.raises(ValueError, match="modal volume put"):
        read_deployment()
    monkeypatch.setenv(name, "/weights/mine")
    assert read_deployment().environment[name] == "/weights/mine"


def test_a_folder_that_is_here_is_refused_without_a_dot_too(monkeypatch, tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "sd-turbo").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPU_MODEL", "models/mine")
    with pytest.raises(ValueError, match="modal volume put"):
        read_deployment()
    monkeypatch.setenv("GPU_MODEL", "sd-turbo")
    assert read_deployment().model == "sd-turbo"


@pytest.mark.parametrize("engine", ["", "sketch", "diffusers"])
def test_a_misspelt_preset_is_refused_before_anything_is_rented(monkeypatch, engine):
    monkeypatch.setenv("GPU_ENGINE", engine)
    monkeypatch.setenv("GPU_MODEL", "sd-turob")
    with pytest.raises(ValidationError, match="sd-turbo"):
        read_deployment()


@pytest.mark.parametrize("name", ["DEPLOY_DAY_MAX", "DEPLOY_CORES", "DEPLOY_SNAPSHOT", "DEPLOY_NIGHT_SCALEDOWN"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1e9", "nan"])
def test_a_wrong_number_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        read_deployment()
