"""Settings are still read under their old names, with a warning."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import SettingsError
from core.settings import (
    BudgetSettings,
    JobSettings,
    PollSettings,
    PurgeSettings,
    QueueSettings,
    RateLimitSettings,
    UsagePolicySettings,
    XSettings,
    describe_unknown_settings,
    load,
)
from core.settings.base import Settings
from core.settings.renamed import RENAMED
from gallery.settings import GallerySettings
from tests.core.test_commands import KEYS, run

SECRET = "0123456789abcdef" * 2
# Old name, class, value in the environment, value of the setting.
OLD_NAMES: list[tuple[str, type[Settings], str, Any]] = [
    ("ACCOUNT_MIN_DAYS", UsagePolicySettings, "3", 3.0),
    ("BUDGET_DAY_USD", BudgetSettings, "7", 7.0),
    ("BUDGET_MONTH_USD", BudgetSettings, "none", None),
    ("FOLLOW_GATE", UsagePolicySettings, "true", True),
    ("GALLERY_SECRET", GallerySettings, SECRET, SECRET),
    ("KEEP_SECONDS", PurgeSettings, "7", 7.0),
    ("OLDEST_HOURS", PollSettings, "7", 7.0),
    ("PACE_SPARE", RateLimitSettings, "7", 7),
    ("PERSON_COOLDOWN_SECONDS", UsagePolicySettings, "7", 7.0),
    ("PERSON_DAILY_LIMIT", UsagePolicySettings, "7", 7),
    ("POLL_IDLE_SECONDS", PollSettings, "7", 7.0),
    ("POLL_OVERLAP_EVERY_SECONDS", PollSettings, "7", 7.0),
    ("PRICES", BudgetSettings, "reply=0.02", {"reply": 0.02}),
    ("PROBE_LONGEST_SECONDS", RateLimitSettings, "7", 7.0),
    ("PROBE_SECONDS", RateLimitSettings, "7", 7.0),
    ("RECHECK_DAYS", PurgeSettings, "7", 7.0),
    ("RECHECK_DAY_USD", PurgeSettings, "7", 7.0),
    ("RECHECK_HOURS", PurgeSettings, "7", 7.0),
    ("RETRY_LONGEST_SECONDS", JobSettings, "7", 7.0),
    ("SEARCH_SECONDS", PollSettings, "7", 7.0),
    ("SETTLE_SECONDS", JobSettings, "7", 7.0),
    ("SWEEP_SECONDS", JobSettings, "7", 7.0),
    ("TELL_ON_X", UsagePolicySettings, "none", "none"),
    ("WORKERS", QueueSettings, "7", 7),
    ("X_ANSWER_PREFIXED", XSettings, "learn", "auto"),
    ("X_FLAGGED_PICTURES", XSettings, "warn", "warn"),
]


def _read(settings_class: type[Settings], name: str) -> Any:
    keys = {key.lower(): value for key, value in KEYS.items()} if settings_class is XSettings else {}
    value = getattr(load(settings_class, **keys), name.lower())
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


@pytest.mark.parametrize(("old", "settings_class", "text", "value"), OLD_NAMES)
def test_an_old_name_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, old: str, settings_class: type[Settings], text: str, value: Any
) -> None:
    monkeypatch.setenv(old, text)
    assert _read(settings_class, RENAMED[old]) == value
    assert list(describe_unknown_settings()) == [
        f"Setting {old} is now {RENAMED[old]}; the old name stops working in 0.2"
    ]


def test_every_old_name_is_tested() -> None:
    assert [old for old, *_ in OLD_NAMES] == list(RENAMED)


@pytest.mark.parametrize(("old", "settings_class", "text", "value"), OLD_NAMES)
def test_a_new_name_is_read_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, old: str, settings_class: type[Settings], text: str, value: Any
) -> None:
    monkeypatch.setenv(RENAMED[old], text)
    assert _read(settings_class, RENAMED[old]) == value
    assert list(describe_unknown_settings()) == []


def test_the_new_name_wins_over_the_old_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("USER_DAILY_LIMIT=8\nSWEEP_SECONDS=2\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    monkeypatch.setenv("PERSON_DAILY_LIMIT", "7")
    assert load(UsagePolicySettings).user_daily_limit == 8
    assert load(JobSettings).recovery_interval_seconds == 2
    assert list(describe_unknown_settings()) == [
        "Setting PERSON_DAILY_LIMIT is now USER_DAILY_LIMIT (both are set: the new one counts), "
        "SWEEP_SECONDS is now RECOVERY_INTERVAL_SECONDS; the old names stop working in 0.2"
    ]


def test_an_error_names_the_variable_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICES", "nonsense")
    with pytest.raises(SettingsError, match=r"^PRICES is wrong: .*\(for example: alt_text=0.005, reply=0.01\)$"):
        load(BudgetSettings)


@pytest.mark.processes
@pytest.mark.usefixtures("migrated_engine")
def test_a_process_warns_once_when_it_starts(tmp_path: Path) -> None:
    environment = {"PACE_SPARE": "1", "SWEEP_SECONDS": "1", "REDIS_URL": "redis://127.0.0.1:1"}
    done = run("worker", "--burst", DATA_DIR=str(tmp_path), **environment, **KEYS)
    assert done.stderr.count("Setting PACE_SPARE is now X_RATE_LIMIT_RESERVE, SWEEP_SECONDS is now") == 1
