"""An error about a wrong or missing setting is one line with the variable and an example."""

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import (
    AppSettings,
    BudgetSettings,
    DatabaseSettings,
    GpuSettings,
    JobSettings,
    QueueSettings,
    XSettings,
    env_file,
    load,
)

KEYS = {f"x_{name}": "k" for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_missing_key_is_named_with_an_example() -> None:
    with pytest.raises(SettingsError, match=r"X_CONSUMER_KEY is missing \(for example: the app's API key\)"):
        load(XSettings)


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_PORT", "many")
    with pytest.raises(SettingsError, match=r"^GALLERY_PORT is wrong: Input should be a valid integer"):
        load(AppSettings)


def test_contradicting_settings_raise_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "5")
    with pytest.raises(
        SettingsError, match=r"^LEASE_SECONDS must be at least four times X_TIMEOUT_SECONDS, e.g. LEASE_SECONDS=40$"
    ):
        load(JobSettings)


def test_secrets_are_not_shown() -> None:
    settings = load(XSettings, **(KEYS | {"x_consumer_secret": "s3cret"}))
    assert "s3cret" not in repr(settings) + str(settings)


def test_watched_posts_may_be_separated_by_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_WATCHED_POSTS", " 12,13  14,")
    assert load(XSettings, **KEYS).watched == {12, 13, 14}


def test_defaults_are_in_the_data_folder(tmp_path: Path) -> None:
    assert load(DatabaseSettings, data_dir=tmp_path).url == f"sqlite:///{tmp_path}/threadpaint.db"
    assert load(QueueSettings, data_dir=tmp_path).url == f"unix://{tmp_path}/queue.sock?db=0"
    assert load(GpuSettings, gpu_port=9).urls == ("http://127.0.0.1:9",)


def test_a_deep_folder_gets_a_short_socket_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    assert len(str(load(QueueSettings, data_dir=deep).socket)) < 100
    assert load(QueueSettings, data_dir=deep).folder == deep / "queue"


def test_postgres_urls_of_hosting_platforms_are_corrected() -> None:
    assert load(DatabaseSettings, database_url="postgres://u:p@h/d").url == "postgresql://u:p@h/d"


@pytest.mark.parametrize("folder", ["a#b", "a?b", "a%20b"])
def test_a_data_folder_with_special_characters_is_rejected(folder: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATA_DIR is wrong"):
        load(DatabaseSettings, data_dir=Path(folder))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GPU_URL", "gpu.example"),
        ("GPU_URL", "ftp://x"),
        ("GPU_URL", "https://a.example, b.example"),
        ("GPU_TOKEN", "schlüssel"),
        ("GPU_TOKEN", "a b"),
        ("GPU_MODAL_KEY", "a\nb"),
        ("GPU_TIMEOUT_SECONDS", "1900"),
    ],
)
def test_an_invalid_gpu_url_or_token_is_rejected(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} is wrong"):
        load(GpuSettings)


@pytest.mark.parametrize("text", ["https://a.example/x/,http://b:8002", " https://a.example/x  http://b:8002/ ,"])
def test_gpu_urls_may_be_separated_by_commas_or_spaces(text: str) -> None:
    assert load(GpuSettings, gpu_url=text).urls == ("https://a.example/x", "http://b:8002")


def test_a_repeated_gpu_url_counts_once() -> None:
    assert load(GpuSettings, gpu_url="http://a http://a/").urls == ("http://a",)


def test_a_modal_key_without_its_secret_raises_an_error() -> None:
    with pytest.raises(SettingsError, match=r"^GPU_MODAL_KEY and GPU_MODAL_SECRET go together"):
        load(GpuSettings, gpu_modal_key="wk-1")
    both = load(GpuSettings, gpu_url="https://a", gpu_modal_key="wk-1", gpu_modal_secret="ws-2")
    assert both.backends[0].headers == {"Modal-Key": "wk-1", "Modal-Secret": "ws-2"}
    assert "ws-2" not in repr(both) + repr(both.backends)


def test_each_backend_gets_its_own_token_or_the_common_one() -> None:
    addresses = "https://a.example, http://:home%3Atoken@10.0.0.5:8002/x/"
    first, second = load(GpuSettings, gpu_url=addresses, gpu_token="common").backends
    assert (first.url, first.headers) == ("https://a.example", {"Authorization": "Bearer common"})
    assert (second.url, second.headers) == ("http://10.0.0.5:8002/x", {"Authorization": "Bearer home:token"})


def test_modal_keys_are_sent_over_https_or_loopback_only() -> None:
    addresses = ("https://a.example", "http://b.example", "http://10.0.0.5:8002", "http://127.0.0.1:8002")
    settings = load(GpuSettings, gpu_url=" ".join(addresses), gpu_modal_key="wk-1", gpu_modal_secret="ws-2")
    urls_with_keys = {painter.url for painter in settings.backends if "Modal-Key" in painter.headers}
    assert urls_with_keys == {"https://a.example", "http://127.0.0.1:8002"}
    assert [painter.is_exposed for painter in settings.backends] == [False, True, False, False]


@pytest.mark.parametrize(
    "address",
    ["http://token@a", "http://:@a", "http://:t%20t@a", "http://:t%0a@a", "http://", "http://a:0", "http://[::1"],
)
def test_error_about_invalid_gpu_url_hides_the_token(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^GPU_URL is wrong") as caught:
        load(GpuSettings, gpu_url=f"http://:s3cret@b {address}")
    assert "s3cret" not in str(caught.value)
    assert "t@" not in str(caught.value).replace("https://:token@host", "")


@pytest.mark.parametrize(
    "value",
    ['{"alt_text": 0.005, "reply": 0.02}', "alt_text=0.005, reply=0.02", "{alt_text: 0.005, reply:0.02}"],
)
def test_prices_are_parsed_from_json_and_pairs(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_PRICES", value)
    assert load(BudgetSettings).x_prices == {"alt_text": 0.005, "reply": 0.02}


@pytest.mark.parametrize("value", ["nonsense", "alt_text=free", "[1]"])
def test_invalid_prices_are_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_PRICES", value)
    with pytest.raises(SettingsError, match=r"^X_PRICES is wrong"):
        load(BudgetSettings)


@pytest.mark.parametrize(
    "value", ["redis-host:6379", "http://redis", "redis://:s3cret@", "redis://:s3cret@h:port", "redis://h:0", "unix://"]
)
def test_an_invalid_redis_url_is_rejected_without_showing_the_password(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    with pytest.raises(SettingsError, match=r"^REDIS_URL is wrong") as caught:
        load(QueueSettings)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["redis://:p@h:6379/0", "rediss://h", "unix:///run/redis.sock?db=1", ""])
def test_valid_redis_urls_are_accepted(value: str) -> None:
    assert load(QueueSettings, redis_url=value).redis_url == value


def test_an_empty_key_is_named_as_empty() -> None:
    with pytest.raises(SettingsError, match=r"^X_ACCESS_TOKEN is empty \(for example: the bot account's"):
        load(XSettings, **(KEYS | {"x_access_token": " "}))


def test_the_default_api_url_is_that_of_x() -> None:
    assert load(XSettings, **KEYS).x_api_url == "https://api.x.com"
    with pytest.raises(SettingsError, match=r"^X_API_URL is wrong"):
        load(XSettings, **(KEYS | {"x_api_url": "api.x.com"}))


@pytest.fixture
def two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the folder of a checkout, and the current folder."""
    checkout, here = tmp_path / "checkout", tmp_path / "here"
    checkout.mkdir()
    here.mkdir()
    monkeypatch.delenv("ENV_FILE")
    monkeypatch.setattr(env_file, "CHECKOUT", checkout)
    monkeypatch.chdir(here)
    return checkout, here


def test_the_env_file_of_the_current_folder_takes_precedence(two_folders: tuple[Path, Path]) -> None:
    checkout, here = two_folders
    assert load(AppSettings).gallery_port == 8000
    (checkout / ".env").write_text("GALLERY_PORT=8111\nDATA_DIR=d\n")
    assert (load(AppSettings).gallery_port, load(AppSettings).data_dir) == (8111, checkout / "d")
    (here / ".env").write_text("GALLERY_PORT=8222\n")
    assert (load(AppSettings).gallery_port, load(AppSettings).data_dir) == (8222, here / "data")


def test_env_file_takes_precedence_and_may_be_empty(
    two_folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, here = two_folders
    (here / ".env").write_text("GALLERY_PORT=8222\n")
    (checkout / "other.env").write_text("GALLERY_PORT=8333\nDATABASE_URL=sqlite:///own.db\n")
    monkeypatch.setenv("ENV_FILE", str(checkout / "other.env"))
    assert load(AppSettings).gallery_port == 8333
    assert load(DatabaseSettings).url == f"sqlite:///{checkout}/own.db"
    monkeypatch.setenv("ENV_FILE", "")
    assert (load(AppSettings).gallery_port, load(AppSettings).data_dir) == (8000, here / "data")


def test_the_data_folder_of_the_checkout_is_found_from_another_folder(two_folders: tuple[Path, Path]) -> None:
    checkout, here = two_folders
    assert load(AppSettings).data_dir == here / "data"
    (checkout / "data").mkdir()
    assert load(AppSettings).data_dir == checkout / "data"


def test_a_binary_env_file_is_a_settings_error(two_folders: tuple[Path, Path]) -> None:
    (two_folders[1] / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"^\.env: .*cannot be read"):
        load(AppSettings)
