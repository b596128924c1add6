"""`python -m gpu` as a process, and its settings."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import typer
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import ValidationError

import gpu.__main__ as house
from gpu.settings import GpuSettings

ROOT = Path(__file__).parents[2]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "gpu", *arguments],
        check=False,
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("GPU_")}


@pytest.fixture
def process(request):
    """A real server on a free port, with a token, and a setting or two by the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", "gpu", "--port", str(port)],
        cwd=ROOT,
        env=clean_environment() | {"GPU_TOKEN": "s3cret"} | getattr(request, "param", {}),
        stderr=subprocess.PIPE,
        text=True,
    )
    yield child, f"http://127.0.0.1:{port}"
    child.kill()
    child.wait()
    child.stderr.close()


def wait_until_healthy(url):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not become healthy")


def test_it_serves_paints_and_stops_within_two_seconds(process):
    child, url = process
    wait_until_healthy(url)
    asked = {"prompt": "a confidential lake", "seeds": [1], "width": 64, "height": 64}
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 401
    answer = httpx.post(f"{url}/v1/paint", json=asked, headers={"Authorization": "Bearer s3cret"})
    assert answer.json()["model"] == "sketch"
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    child.wait(5)
    assert time.monotonic() - began < 2
    logs = child.stderr.read()
    assert "engine ready model=sketch" in logs
    assert "confidential" not in logs and "s3cret" not in logs


def test_who_waits_while_it_stops_hears_so_at_once(process):
    child, url = process
    wait_until_healthy(url)
    asked = {"prompt": "a city by the sea", "seeds": [1, 2, 3, 4], "width": 1536, "height": 1536}

    def paint(client):
        try:
            return client.post(f"{url}/v1/paint", json=asked, headers={"Authorization": "Bearer s3cret"}).status_code
        except httpx.ConnectError:
            return 503  # who comes too late finds nobody

    with httpx.Client(timeout=20) as client, ThreadPoolExecutor(8) as crowd:
        answers = [crowd.submit(paint, client) for _ in range(8)]
        while client.get(f"{url}/healthz").json()["queue"] < 4:
            time.sleep(0.01)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.wait(5)
        assert time.monotonic() - began < 2
        statuses = [answer.result() for answer in answers]
    assert set(statuses) <= {200, 503} and statuses.count(503) >= 4


def odd_pictures(words):
    """A picture that says these words wherever it can, and some that are broken there."""
    exif, text, whole = Image.Exif(), PngInfo(), []
    exif[0x010E] = exif[0x9286] = words
    text.add_text("parameters", words)
    for form, more in (("PNG", {"pnginfo": text}), ("JPEG", {"comment": words.encode()})):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(file, form, exif=exif, **more)
        whole.append(file.getvalue())
    start = whole[1].index(b"Exif\0\0") + 6
    return [*whole, whole[1][: start + 8] + b"\xff\xff" + whole[1][start + 10 :], whole[1][:200]]


@pytest.mark.parametrize("process", [{"GPU_LOG_LEVEL": "debug"}], indirect=True)
def test_at_no_level_the_log_holds_words_of_people_or_warnings_about_their_pictures(process):
    child, url = process
    wait_until_healthy(url)
    words = "confidential"
    for data in odd_pictures(words):
        asked = {"prompt": words, "negative_prompt": words, "width": 64, "height": 64, "seeds": [1]}
        asked |= {"init_image": base64.b64encode(data).decode(), "embedding": True}
        httpx.post(f"{url}/v1/paint?prompt={words}", json=asked, headers={"Authorization": "Bearer s3cret"})
    httpx.post(f"{url}/v1/paint", json={"prompt": {words: 1}, words: words}, headers={"Authorization": "Bearer s3cret"})
    child.send_signal(signal.SIGTERM)
    logs = child.communicate(timeout=5)[1]
    assert logs.count("POST /v1/paint") == 5
    assert words not in logs and "s3cret" not in logs and "Warning" not in logs


def test_it_listens_on_addresses_of_six():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gpu", "--host", "[::1]", "--port", str(port)]
    child = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True)
    wait_until_healthy(f"http://[::1]:{port}")
    child.terminate()
    logs = child.communicate(timeout=5)[1]
    assert "may paint" not in logs, "nobody but this machine reaches it"


def test_a_host_that_cannot_be_a_name_is_one_line_with_the_setting():
    result = run("--host", "ä" * 100 + ".example", GPU_TOKEN="s3cret")
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1].startswith("GPU_HOST: ") and "Traceback" not in result.stderr


def test_it_lists_its_models_with_their_licences():
    listed = run("--models")
    assert listed.returncode == 0
    assert "sdxl-lightning: " in listed.stdout and "z-image-turbo: " in listed.stdout
    assert listed.stdout.count("  licence ") == 7


def test_help_names_the_options():
    result = run("--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert result.returncode == 0
    for option in ("--engine", "--model", "--port", "--host", "GPU_PORT"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("name", "value"), [("GPU_PORT", "http"), ("GPU_ENGINE", "dall-e"), ("GPU_QUEUE_LIMIT", "0"), ("GPU_TOKEN", "  ")]
)
def test_a_wrong_setting_is_one_line_with_its_name(name, value):
    result = run(**{name: value})
    assert result.returncode == 2
    [line] = result.stderr.strip().splitlines()
    assert line.startswith(name) and f"example: {name}=" in line


def test_a_taken_port_is_one_line_with_its_name():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1].startswith("GPU_PORT: cannot listen on 127.0.0.1 port")
    assert "Traceback" not in result.stderr


def test_the_sketch_is_served_without_torch_and_diffusers():
    code = "import sys; import gpu.engines, gpu.settings as s; gpu.engines.make_app(s.GpuSettings());"
    code += "assert not {'torch', 'diffusers', 'transformers', 'modal'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), check=True, timeout=30)


def test_the_token_never_shows_in_the_settings(monkeypatch):
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    assert "s3cret" not in repr(GpuSettings())


def test_an_empty_token_is_no_token(monkeypatch):
    monkeypatch.setenv("GPU_TOKEN", "")
    assert GpuSettings().token is None


def test_settings_do_not_change(monkeypatch):
    with pytest.raises(ValidationError):
        GpuSettings().port = 1


BREAKS = """
import os, typer, gpu.__main__ as house
from gpu.engine import EngineBroken, Limits
from gpu.web.service import create_app

class Breaks:
    model, limits = "breaks", Limits()

    def load(self):
        if "UNLOADABLE" in os.environ:
            raise OSError("no weights\\nhere")

    def paint(self, key, pieces):
        raise EngineBroken("the card fell off")

house.BROKEN_SECONDS = 1.0
house.make_app = lambda settings: create_app(Breaks(), token=None)
typer.run(house.serve)
"""


@pytest.fixture
def breaks():
    """Starts the server around an engine that breaks when it paints, or already when it loads."""
    children = []

    def start(**environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-c", BREAKS, "--port", str(port)]
        environment = clean_environment() | environment
        children.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
        return children[-1], f"http://127.0.0.1:{port}"

    yield start
    for child in children:
        child.kill()
        child.wait()
        child.stderr.close()


def test_when_the_engine_breaks_it_says_so_for_a_while_and_then_ends_with_status_1(breaks):
    child, url = breaks()
    wait_until_healthy(url)
    asked = {"prompt": "a confidential lake", "seeds": [1], "width": 64, "height": 64}
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 500
    health = httpx.get(f"{url}/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})
    assert httpx.post(f"{url}/v1/paint", json=asked).status_code == 503
    assert child.wait(10) == 1
    said = child.stderr.read()
    assert "to be started again: the card fell off" in said
    assert "confidential" not in said


def test_an_engine_that_does_not_load_ends_it_with_the_reason_in_one_line(breaks):
    child, _ = breaks(UNLOADABLE="1")
    assert child.wait(20) == 1
    said = child.stderr.read()
    assert said.count("the model did not load (GPU_MODEL): no weights here") == 2, "in the log, and as the last word"
    assert said.strip().splitlines()[-1].startswith("the painter is broken")


def test_a_model_that_is_not_there_is_named_with_its_setting(tmp_path, monkeypatch, capsys):
    pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")
    # In this process, which may have torch already: bringing it into another one takes six seconds.
    for name in [name for name in os.environ if name.startswith("GPU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GPU_SAFETY", "off")
    monkeypatch.setattr(house, "BROKEN_SECONDS", 0)
    with pytest.raises(typer.Exit) as ended:
        house.serve(engine="diffusers", model=str(tmp_path), port=0)
    assert ended.value.exit_code == 1
    assert "GPU_MODEL" in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_is_not_open_to_everybody_unless_that_is_meant(host):
    refused = run("--host", host, "--port", "0")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and "GPU_TOKEN is missing" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:  # it comes as far as the port
        port = str(taken.getsockname()[1])
        for way in ({"GPU_ALLOW_ANYBODY": "true"}, {"GPU_TOKEN": "s3cret"}):
            assert "GPU_PORT" in run("--host", "127.0.0.1", "--port", port, **way).stderr
            assert "GPU_TOKEN is missing" not in run("--host", "0.0.0.0", "--port", port, **way).stderr


@pytest.mark.parametrize(
    ("revisions", "named"),
    [
        ("{}", ["stabilityai/sd-turbo", "CompVis/stable-diffusion-safety-checker"]),
        ('{"stabilityai/sd-turbo": "' + "a" * 40 + '"}', ["CompVis/stable-diffusion-safety-checker"]),
    ],
)
def test_a_start_names_the_weights_that_are_not_pinned(monkeypatch, caplog, revisions, named):
    from gpu.engines import make_app

    monkeypatch.setenv("GPU_REVISIONS", revisions)
    with caplog.at_level("INFO", logger="gpu"):
        make_app(GpuSettings(engine="diffusers", model="sd-turbo"))
    [line] = [record.getMessage() for record in caplog.records if "GPU_REVISIONS" in record.getMessage()]
    assert line.startswith(f"GPU_REVISIONS names no commit of {', '.join(named)}:")


@pytest.mark.parametrize("revisions", ["nonsense", '{"a/b": ""}', '{"a/b": "x y"}', '["a/b"]'])
def test_revisions_that_are_none_stop_the_start_in_one_line(revisions):
    refused = run(GPU_REVISIONS=revisions)
    assert refused.returncode == 2 and "GPU_REVISIONS" in refused.stderr
    assert "Traceback" not in refused.stderr
