"""Unknown settings are named with the nearest known one; variables of other programs are ignored."""

from pathlib import Path

import pytest

from core.settings import describe_unknown_settings
from core.settings.unknown_names import READ_ELSEWHERE, known_names
from gallery.settings import GallerySettings
from gpu.deploy.settings import DeploySettings
from gpu.settings import ServiceSettings
from sandbox.settings import SandboxSettings
from tests.core.test_commands import KEYS, run

OTHERS = """
PORT PGHOST PGPORT POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB REDIS_PASSWORD REDIS_HOST COMPOSE_PROJECT_NAME TZ
HF_TOKEN HF_HOME CUDA_VISIBLE_DEVICES PYTHONPATH PYTHONUNBUFFERED XDG_DATA_DIRS XDG_RUNTIME_DIR HOST HOSTNAME
DYNO SENTRY_DSN MODAL_TOKEN_ID MODAL_TOKEN_SECRET AWS_SECRET_ACCESS_KEY S3_BUCKET DOMAIN SECRET_KEY
"""


def test_settings_of_other_packages_are_known() -> None:
    read = {name.upper() for name in GallerySettings.model_fields}
    for prefix, kind in (("GPU_", ServiceSettings), ("DEPLOY_", DeploySettings), ("SANDBOX_", SandboxSettings)):
        read |= {f"{prefix}{name.upper()}" for name in kind.model_fields}
    assert read <= known_names(), "add the new setting to core/settings/unknown_names.py"
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
def test_a_misspelled_variable_is_named_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setenv(name, "a-secret-value")
    assert words in list(describe_unknown_settings())


def test_unknown_names_in_env_file_are_listed_without_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("X_CONSUMERKEY=a-secret-value\nGPU_UNKNOWN=1\nPOLL_SECONDS=4\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    lines = list(describe_unknown_settings())
    assert lines == [
        f"GPU_UNKNOWN in {file} is no setting, and changes nothing",
        f"X_CONSUMERKEY in {file} is no setting; do you mean X_CONSUMER_KEY?",
    ]


def test_variables_of_other_programs_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    others = OTHERS.split()
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}=1\n" for name in others))
    monkeypatch.setenv("ENV_FILE", str(file))
    for name in (*others, "GPU_MAX_HEAP_SIZE", "GPU_DEVICE_ORDINAL", "SANDBOX_ID"):
        monkeypatch.setenv(name, "1")
    assert list(describe_unknown_settings()) == []


@pytest.mark.processes
@pytest.mark.usefixtures("migrated_engine")
@pytest.mark.parametrize("module", ["bot --once", "worker --burst"])
def test_processes_log_unknown_settings_when_they_start(module: str, tmp_path: Path) -> None:
    done = run(*module.split(), DATA_DIR=str(tmp_path), POLL_SECOND="4", REDIS_URL="redis://127.0.0.1:1", **KEYS)
    assert "POLL_SECOND is no setting; do you mean POLL_SECONDS?" in done.stderr
