"""The painter's settings: what contradicts itself is told with the setting's name, and what they wire."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from gpu.cost import prices
from gpu.diffusion.engine import DiffusersEngine
from gpu.engines import make_app, make_checker, make_engine
from gpu.settings import GpuSettings
from gpu.sketch.engine import SketchEngine


def refused(**given):
    with pytest.raises(ValidationError) as caught:
        GpuSettings(**given)
    [error] = caught.value.errors()
    return error["loc"][0], error["msg"]


def diffusers(**given):
    return GpuSettings(**({"engine": "diffusers", "model": "sd15", "safety": "off"} | given))


def warned(caplog, **given):
    with caplog.at_level(logging.INFO, logger="gpu"):
        make_app(diffusers(**given))
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("model", {"model": "sdxl-lightening"}),
        ("model", {"model": " "}),
        ("model", {"model": ""}),
        ("dtype", {"dtype": "fp16", "device": "cpu"}),
        ("dtype", {"dtype": "int8"}),
        ("compile", {"compile": "whole", "device": "mps"}),
        ("vae", {"vae": "tiny", "model": "flux2-klein-4b"}),
        ("warm_up", {"warm_up": False, "compile": "regional"}),
        ("usd_per_second", {"usd_per_second": -1}),
        ("safety_model", {"safety_model": ""}),
        ("host", {"host": ""}),
        ("batch_limit", {"batch_limit": 0}),
        ("max_side", {"max_side": 10_000}),
        ("device", {"device": "tpu"}),
    ],
)
def test_what_cannot_be_is_told_with_the_settings_name(field, given):
    assert refused(engine="diffusers", **given)[0] == field


def test_a_misspelt_preset_is_answered_with_the_names_there_are():
    words = refused(engine="diffusers", model="sd-tubro")[1]
    assert "sd-turbo" in words and "owner/name" in words


def test_presets_folders_and_model_ids_are_models(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    for model in ("sd-turbo", "mine", str(tmp_path / "mine"), "somebody/something", "/weights/not-on-this-machine"):
        assert GpuSettings(engine="diffusers", model=model).model == model


def test_a_restricted_licence_is_said_at_start_with_where_to_read_it(caplog):
    [line] = warned(caplog, model="sd-turbo", safety="flag")
    assert "Stability AI Community License" in line and "https://stability.ai/license" in line


def test_an_unknown_licence_is_said_too_and_no_folders_path(caplog, tmp_path):
    (tmp_path / "mine").mkdir()
    [line] = warned(caplog, model=str(tmp_path / "mine"), safety="flag")
    assert "mine" in line and "unknown" in line and str(tmp_path) not in line


def test_a_free_licence_is_no_warning(caplog):
    assert warned(caplog, safety="flag") == []


def test_that_nobody_looks_at_the_pictures_is_said_at_start(caplog):
    [line] = warned(caplog, safety="off")
    assert "GPU_SAFETY=off" in line


def test_a_card_that_the_table_does_not_know_is_said_at_start(caplog):
    [line] = warned(caplog, safety="flag", card="RTX 4090")
    assert "RTX 4090" in line and "GPU_USD_PER_SECOND" in line


@pytest.mark.parametrize(
    "given", [{"card": "l4"}, {"card": "RTX 4090", "usd_per_second": 0}, {"usd_per_second": 0.001}]
)
def test_a_price_that_is_known_or_not_wanted_is_no_warning(caplog, given):
    assert warned(caplog, safety="flag", **given) == []


def test_a_sketch_needs_no_licence_no_check_and_no_warning(caplog):
    settings = GpuSettings(engine="sketch", safety="flag")
    with caplog.at_level(logging.INFO, logger="gpu"):
        make_app(settings)
    assert isinstance(make_engine(settings), SketchEngine) and make_checker(settings) is None
    assert not caplog.records


def test_the_hosts_limits_win_and_otherwise_the_presets_hold():
    engine = make_engine(diffusers(model="sdxl-lightning"))
    assert isinstance(engine, DiffusersEngine) and engine.model == "sdxl-lightning"
    assert (engine.limits.batch, engine.limits.width, engine.limits.steps) == (8, 1024, 4)
    small = make_engine(diffusers(model="sdxl-lightning", batch_limit=2, max_side=512))
    assert (small.limits.batch, small.limits.width, small.limits.max_side) == (2, 512, 512)


def test_a_models_folder_brings_its_own_safety_check_unless_another_was_named(tmp_path):
    (tmp_path / "safety_checker").mkdir()
    own = make_checker(diffusers(model=str(tmp_path), safety="flag"))
    named = make_checker(diffusers(model=str(tmp_path), safety="flag", safety_model="somebody/check"))
    usual = make_checker(diffusers(safety="refuse"))
    assert [checker._source for checker in (own, named, usual)] == [
        str(tmp_path),
        "somebody/check",
        "CompVis/stable-diffusion-safety-checker",
    ]
    assert make_checker(diffusers(safety="off")) is None


def test_what_a_second_costs_is_answered_where_it_is_known(serve_app):
    def told(**given):
        return serve_app(GpuSettings(engine="sketch", **given))

    assert told(card="L4", usd_per_second=0.0002) == {"card": "L4", "usd_per_second": 0.0002}
    assert told(card="L4") == {"card": "L4", "usd_per_second": prices.CARDS["L4"]}
    assert told(usd_per_second=0.0002) == {"card": "this machine", "usd_per_second": 0.0002}
    assert told(card="RTX 4090") is None and told() is None
    assert told(card="L4", usd_per_second=0) is None


def test_a_token_from_a_file_has_no_line_end():
    assert GpuSettings(token="s3cret\n").token.get_secret_value() == "s3cret"


def test_an_address_in_brackets_is_the_address():
    assert GpuSettings(host="[::1]").host == "::1"


@pytest.fixture
def serve_app():
    from starlette.testclient import TestClient

    def cost_of(settings):
        app = make_app(settings)
        with TestClient(app) as client:
            app.state.engine_thread.wait_settled(10)
            return client.post("/v1/paint", json={"prompt": "a lake", "width": 64, "height": 64}).json()["cost"]

    return cost_of
