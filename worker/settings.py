"""All settings a worker needs, read once before it forks, so that a wrong one stops it at its start."""

from dataclasses import dataclass
from functools import cache

from core.errors import SettingsError
from core.settings import (
    DatabaseSettings,
    GpuSettings,
    HouseSettings,
    KeepSettings,
    MoneySettings,
    PaceSettings,
    QueueSettings,
    RuleSettings,
    StorageSettings,
    WorkSettings,
    XSettings,
    load,
)


@dataclass(frozen=True)
class Settings:
    """One class of settings per concern."""

    house: HouseSettings
    database: DatabaseSettings
    queue: QueueSettings
    storage: StorageSettings
    gpu: GpuSettings
    x: XSettings
    work: WorkSettings
    pace: PaceSettings
    money: MoneySettings
    keep: KeepSettings
    rules: RuleSettings


@cache
def read_settings() -> Settings:
    """Read the environment once per process. Raises SettingsError."""
    settings = Settings(
        load(HouseSettings),
        load(DatabaseSettings),
        load(QueueSettings),
        load(StorageSettings),
        load(GpuSettings),
        load(XSettings),
        load(WorkSettings),
        load(PaceSettings),
        load(MoneySettings),
        load(KeepSettings),
        load(RuleSettings),
    )
    if settings.x.reply_link == "gallery" and not settings.house.gallery_url:
        raise SettingsError("GALLERY_URL is missing: REPLY_LINK=gallery needs it (for example: https://paint.example)")
    return settings
