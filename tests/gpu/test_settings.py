"""Settings of the GPU service: errors with the setting's name, and what they configure."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gpu.deploy import prices
from gpu.diffusion.engine import DiffusersEngine
from gpu.factory import make_app, make_checker, make_engine, make_text_encoder
from gpu.settings import ServiceSettings
from gpu.sketch.engine import SketchEngine


def refused(**given: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings(**given)
    [error] = caught.value.errors()
    return error["loc"][0], error["msg"]


def diffusers(**given: Any) -> Any:
    return ServiceSettings(**({"engine": "diffusers", "model": "sd15", "safety": "off"} | given))


def warned(caplog: pytest.LogCaptureFixture, **given: Any) -> Any:
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
def test_a_wrong_value_names_the_setting(field: str, given: dict[str, Any]) -> None:
    assert refused(engine="diffusers", **given)[0] == field


def test_a_misspelled_preset_lists_the_known_ones() -> None:
    words = refused(engine="diffusers", model="sd-tubro")[1]
    assert "sd-turbo" in words and "owner/name" in words


def test_presets_folders_and_model_ids_are_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    for model in ("sd-turbo", "mine", str(tmp_path / "mine"), "somebody/something", "/weights/not-on-this-machine"):
        assert ServiceSettings(engine="diffusers", model=model).model == model


def test_a_restricted_license_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    [line] = warned(caplog, model="sd-turbo", safety="flag")
    assert "Stability AI Community License" in line and "https://stability.ai/license" in line


def test_an_unknown_license_is_a_warning_without_path(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    [line] = warned(caplog, model=str(tmp_path / "mine"), safety="flag")
    assert "mine" in line and "unknown" in line and str(tmp_path) not in line


def test_a_free_license_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert warned(caplog, safety="flag") == []


def test_a_disabled_safety_check_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    [line] = warned(caplog, safety="off")
    assert "GPU_SAFETY=off" in line


def test_an_unpriced_gpu_type_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    [line] = warned(caplog, safety="flag", type="RTX 4090")
    assert "RTX 4090" in line and "GPU_USD_PER_SECOND" in line


def test_old_names_work_with_one_warning(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CARD", "L4")
    monkeypatch.setenv("GPU_KEEPS_SECONDS", "30")
    settings = diffusers(safety="refuse")
    assert (settings.type, settings.scaledown_seconds, settings.safety) == ("L4", 30, "drop")
    [line] = warned(caplog, safety="refuse")
    assert "GPU_CARD is now GPU_TYPE, GPU_KEEPS_SECONDS is now GPU_SCALEDOWN_SECONDS" in line


def test_a_new_name_wins_over_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CARD", "L4")
    monkeypatch.setenv("GPU_TYPE", "T4")
    assert ServiceSettings().type == "T4"


@pytest.mark.parametrize(
    "given", [{"type": "l4"}, {"type": "RTX 4090", "usd_per_second": 0}, {"usd_per_second": 0.001}]
)
def test_a_known_or_disabled_price_is_no_warning(caplog: pytest.LogCaptureFixture, given: dict[str, Any]) -> None:
    assert warned(caplog, safety="flag", **given) == []


def test_the_sketch_engine_has_no_check_and_no_warnings(caplog: pytest.LogCaptureFixture) -> None:
    settings = ServiceSettings(engine="sketch", safety="flag")
    with caplog.at_level(logging.INFO, logger="gpu"):
        make_app(settings)
    assert isinstance(make_engine(settings), SketchEngine) and make_checker(settings) is None
    assert not caplog.records


def test_the_operators_limits_win_over_the_presets() -> None:
    engine = make_engine(diffusers(model="sdxl-lightning"))
    assert isinstance(engine, DiffusersEngine) and engine.model == "sdxl-lightning"
    assert (engine.limits.batch, engine.limits.width, engine.limits.steps) == (8, 1024, 4)
    small = make_engine(diffusers(model="sdxl-lightning", batch_limit=2, max_side=512))
    assert (small.limits.batch, small.limits.width, small.limits.max_side) == (2, 512, 512)


def test_a_models_own_safety_check_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "safety_checker").mkdir()
    own = make_checker(diffusers(model=str(tmp_path), safety="flag"))
    named = make_checker(diffusers(model=str(tmp_path), safety="flag", safety_model="somebody/check"))
    usual = make_checker(diffusers(safety="drop"))
    assert [getattr(checker, "_source", None) for checker in (own, named, usual)] == [
        str(tmp_path),
        "somebody/check",
        "CompVis/stable-diffusion-safety-checker",
    ]
    assert make_checker(diffusers(safety="off")) is None


def test_the_text_encoder_comes_with_the_safety_check() -> None:
    def encoder_of(settings: ServiceSettings) -> str | None:
        encoder = make_text_encoder(settings, make_checker(settings))
        return encoder.model if encoder else None

    assert encoder_of(diffusers(safety="flag")) == "openai/clip-vit-large-patch14"
    assert encoder_of(diffusers(safety="drop", text_model="somebody/clip")) == "somebody/clip"
    assert encoder_of(diffusers(safety="off")) is None
    assert encoder_of(ServiceSettings(engine="sketch")) is None


def test_responses_have_the_price_if_it_is_known(serve_app: Any) -> None:
    def cost_of_settings(**given: Any) -> Any:
        return serve_app(ServiceSettings(engine="sketch", **given))

    assert cost_of_settings(type="L4", usd_per_second=0.0002) == {"card": "L4", "usd_per_second": 0.0002}
    assert cost_of_settings(type="L4") == {"card": "L4", "usd_per_second": prices.gpu_price("L4")}
    assert cost_of_settings(usd_per_second=0.0002) == {"card": "this machine", "usd_per_second": 0.0002}
    assert cost_of_settings(type="RTX 4090") is None and cost_of_settings() is None
    assert cost_of_settings(type="L4", usd_per_second=0) is None


def test_a_token_from_a_file_has_no_line_end() -> None:
    assert ServiceSettings(token=SecretStr("s3cret\n")).token == SecretStr("s3cret")


def test_an_address_in_brackets_is_the_address() -> None:
    assert ServiceSettings(host="[::1]").host == "::1"


@pytest.fixture
def serve_app() -> Any:
    from starlette.testclient import TestClient

    def cost_of(settings: Any) -> Any:
        app = make_app(settings)
        with TestClient(app) as client:
            app.state.engine_thread.wait_settled(10)
            return client.post("/v1/paint", json={"prompt": "a lake", "width": 64, "height": 64}).json()["cost"]

    return cost_of
