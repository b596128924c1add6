"""The options and settings of `python -m gpu`. Most run in this process; test_process.py starts the real one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import ValidationError
from typer.testing import CliRunner
from typer.testing import Result as CommandResult

import gpu.__main__ as main_module
from gpu.api.service import create_app
from gpu.diffusion.presets import PRESETS
from gpu.engine import BatchKey, EngineLimits, ImageRequest, Result
from gpu.settings import ServiceSettings

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> CommandResult:
    command = typer.Typer()
    command.command()(main_module.serve)
    return CliRunner().invoke(command, arguments, env=environment)


@pytest.mark.processes
def test_a_wrong_setting_ends_the_process_with_one_line() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}
    result = subprocess.run(
        [sys.executable, "-m", "gpu"],
        check=False,
        cwd=ROOT,
        env=environment | {"GPU_PORT": "http"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 2 and result.stdout == ""
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("GPU_PORT") and "example: GPU_PORT=" in line


@pytest.mark.parametrize(
    ("name", "value"), [("GPU_PORT", "http"), ("GPU_ENGINE", "dall-e"), ("GPU_QUEUE_LIMIT", "0"), ("GPU_TOKEN", "  ")]
)
def test_a_wrong_setting_is_one_line_with_its_name(name: str, value: str) -> None:
    result = run(**{name: value})
    assert result.exit_code == 2
    [line] = result.stderr.strip().splitlines()
    assert line.startswith(name) and f"example: {name}=" in line


def test_an_invalid_host_is_one_line_with_the_setting() -> None:
    result = run("--host", "ä" * 100 + ".example", GPU_TOKEN="s3cret")
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].startswith("GPU_HOST: ")


def test_it_lists_its_models_with_their_licenses() -> None:
    listed = run("--models")
    assert listed.exit_code == 0
    assert "sdxl-lightning: " in listed.stdout and "z-image-turbo: " in listed.stdout
    assert listed.stdout.count("  license ") == len(PRESETS)


def test_help_names_the_options() -> None:
    result = run("--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert result.exit_code == 0
    for option in ("--engine", "--model", "--port", "--host", "GPU_PORT"):
        assert option in result.stdout


def test_a_taken_port_is_one_line_with_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].startswith("GPU_PORT: cannot listen on 127.0.0.1 port")


def test_the_token_never_shows_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    assert "s3cret" not in repr(ServiceSettings())


def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_TOKEN", "")
    assert ServiceSettings().token is None


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings().port = 1  # type: ignore[misc]


def test_a_missing_model_is_named_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")
    # In this process, which may have torch already: bringing it into another one takes six seconds.
    for name in [name for name in os.environ if name.startswith("GPU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GPU_SAFETY", "off")
    monkeypatch.setattr(main_module, "BROKEN_SECONDS", 0)
    with pytest.raises(typer.Exit) as ended:
        main_module.serve(engine="diffusers", model=str(tmp_path), port=0)
    assert ended.value.exit_code == 1
    assert "GPU_MODEL" in capsys.readouterr().err.strip().splitlines()[-1]


class Unloadable:
    """An engine whose weights cannot be read."""

    model, limits = "unloadable", EngineLimits()

    def load(self) -> None:
        raise OSError("no weights\nhere")

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[Result]:
        raise AssertionError("it has not loaded")


def test_a_load_error_is_logged_and_ends_the_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main_module, "BROKEN_SECONDS", 0)
    monkeypatch.setattr(main_module, "make_app", lambda _settings: create_app(Unloadable(), token=None))
    with pytest.raises(typer.Exit) as ended:
        main_module.serve(port=0)
    assert ended.value.exit_code == 1
    reason = "the model did not load (GPU_MODEL): no weights here"
    errors = capsys.readouterr().err.splitlines()
    [line] = [line for line in errors if line.startswith("the engine is broken")]
    assert reason in line
    assert caplog.text.count(reason) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_public_address_needs_a_token_or_an_opt_out(host: str) -> None:
    refused = run("--host", host, "--port", "0")
    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1 and "GPU_TOKEN is missing" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:  # it comes as far as the port
        port = str(taken.getsockname()[1])
        for way in ({"GPU_ALLOW_ANYBODY": "true"}, {"GPU_TOKEN": "s3cret"}):
            assert "GPU_PORT" in run("--host", "127.0.0.1", "--port", port, **way).stderr
            assert "GPU_TOKEN is missing" not in run("--host", "0.0.0.0", "--port", port, **way).stderr


CHECK = ["CompVis/stable-diffusion-safety-checker", "openai/clip-vit-large-patch14"]


@pytest.mark.parametrize(
    ("revisions", "named"),
    [
        ("{}", ["stabilityai/sd-turbo", *CHECK]),
        ('{"stabilityai/sd-turbo": "' + "a" * 40 + '"}', CHECK),
    ],
)
def test_unpinned_weights_are_logged_at_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, revisions: str, named: Any
) -> None:
    from gpu.factory import make_app

    monkeypatch.setenv("GPU_REVISIONS", revisions)
    with caplog.at_level("INFO", logger="gpu"):
        make_app(ServiceSettings(engine="diffusers", model="sd-turbo"))
    [line] = [record.getMessage() for record in caplog.records if "GPU_REVISIONS" in record.getMessage()]
    assert line.startswith(f"GPU_REVISIONS has no commit for {', '.join(named)}:")


@pytest.mark.parametrize("revisions", ["nonsense", '{"a/b": ""}', '{"a/b": "x y"}', '["a/b"]'])
def test_invalid_revisions_are_one_line_with_the_setting(revisions: str) -> None:
    refused = run(GPU_REVISIONS=revisions)
    assert refused.exit_code == 2 and "GPU_REVISIONS" in refused.stderr
