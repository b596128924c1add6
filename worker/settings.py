"""Read all settings of a worker once, before it forks, so that a wrong one stops it at its start."""

from dataclasses import dataclass
from functools import cache

from core.errors import SettingsError
from core.settings import (
    AppSettings,
    BudgetSettings,
    DatabaseSettings,
    GpuSettings,
    JobSettings,
    PurgeSettings,
    QueueSettings,
    RateLimitSettings,
    StorageSettings,
    UsagePolicySettings,
    XSettings,
    load,
)


@dataclass(frozen=True)
class WorkerSettings:
    """One class of settings per concern."""

    app: AppSettings
    database: DatabaseSettings
    queue: QueueSettings
    storage: StorageSettings
    gpu: GpuSettings
    x: XSettings
    work: JobSettings
    rate_limit: RateLimitSettings
    money: BudgetSettings
    purge: PurgeSettings
    rules: UsagePolicySettings


@cache
def read_settings() -> WorkerSettings:
    """Return the settings of the environment, read once per process. Raises SettingsError."""
    settings = WorkerSettings(
        load(AppSettings),
        load(DatabaseSettings),
        load(QueueSettings),
        load(StorageSettings),
        load(GpuSettings),
        load(XSettings),
        load(JobSettings),
        load(RateLimitSettings),
        load(BudgetSettings),
        load(PurgeSettings),
        load(UsagePolicySettings),
    )
    if settings.x.reply_link == "gallery" and not settings.app.gallery_url:
        raise SettingsError("GALLERY_URL is missing: REPLY_LINK=gallery needs it (for example: https://paint.example)")
    return settings
