"""Settings that nobody reads are named, with the nearest right one; what belongs to others is left alone."""

from pathlib import Path

import pytest

from core.settings import misspelt_settings
from core.settings.misspelt import READ_ELSEWHERE, known_names
from gallery.settings import GallerySettings
from gpu.cost.deployment import DeploySettings
from gpu.settings import GpuSettings
from sandbox.settings import Settings as SandboxSettings
from tests.core.test_commands import KEYS, run

OTHERS = """
PORT PGHOST PGPORT POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB REDIS_PASSWORD REDIS_HOST COMPOSE_PROJECT_NAME TZ
HF_TOKEN HF_HOME CUDA_VISIBLE_DEVICES PYTHONPATH PYTHONUNBUFFERED XDG_DATA_DIRS XDG_RUNTIME_DIR HOST HOSTNAME
DYNO SENTRY_DSN MODAL_TOKEN_ID MODAL_TOKEN_SECRET AWS_SECRET_ACCESS_KEY S3_BUCKET DOMAIN SECRET_KEY
"""


def test_what_is_read_elsewhere_is_known() -> None:
    read = {name.upper() for name in GallerySettings.model_fields}
    for prefix, kind in (("GPU_", GpuSettings), ("DEPLOY_", DeploySettings), ("SANDBOX_", SandboxSettings)):
        read |= {f"{prefix}{name.upper()}" for name in kind.model_fields}
    assert read <= known_names(), "add the new setting to core/settings/misspelt.py"
    assert {"POLL_SECONDS", "X_CONSUMER_KEY", "REDIS_URL"} <= known_names() - READ_ELSEWHERE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("POLL_SECOND", "POLL_SECOND is no setting; do you mean POLL_SECONDS?"),
        ("X_CONSUMERKEY", "X_CONSUMERKEY is no setting; do you mean X_CONSUMER_KEY?"),
        ("GALERY_URL", "GALERY_URL is no setting; do you mean GALLERY_URL?"),
        ("poll_second", "poll_second is no setting; do you mean POLL_SECONDS?"),
        ("X_NEVER_HEARD_OF", "X_NEVER_HEARD_OF is no setting, and changes nothing"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_nearest_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setenv(name, "a-secret-value")
    assert words in list(misspelt_settings())


def test_the_env_file_is_looked_at_too_and_no_value_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("X_CONSUMERKEY=a-secret-value\nGPU_UNKNOWN=1\nPOLL_SECONDS=4\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    told = list(misspelt_settings())
    assert told == [
        f"GPU_UNKNOWN in {file} is no setting, and changes nothing",
        f"X_CONSUMERKEY in {file} is no setting; do you mean X_CONSUMER_KEY?",
    ]


def test_what_belongs_to_others_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    others = OTHERS.split()
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}=1\n" for name in others))
    monkeypatch.setenv("ENV_FILE", str(file))
    for name in (*others, "GPU_MAX_HEAP_SIZE", "GPU_DEVICE_ORDINAL", "SANDBOX_ID"):
        monkeypatch.setenv(name, "1")
    assert list(misspelt_settings()) == []


@pytest.mark.parametrize("module", ["bot --once", "worker --burst"])
def test_processes_name_them_at_their_start(module: str, tmp_path: Path) -> None:
    assert run("core", "migrate", DATA_DIR=str(tmp_path)).returncode == 0
    done = run(*module.split(), DATA_DIR=str(tmp_path), POLL_SECOND="4", REDIS_URL="redis://127.0.0.1:1", **KEYS)
    assert "POLL_SECOND is no setting; do you mean POLL_SECONDS?" in done.stderr
