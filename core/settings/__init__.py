"""Settings: one small class per concern, read once at the edge from the environment (or `.env`).

Every value has the embedded default of one machine, except secrets of the outside world: these have none, and a
missing one stops the process at its start with the variable's name and an example.
"""

from core.settings.base import Settings, load
from core.settings.gpu import GpuSettings, PainterAddress
from core.settings.house import DatabaseSettings, HouseSettings, QueueSettings, StorageSettings
from core.settings.misspelt import misspelt_settings, warn_of_misspelt_settings
from core.settings.money import MoneySettings
from core.settings.work import KeepSettings, PaceSettings, WorkSettings
from core.settings.x import PollSettings, RuleSettings, XSettings

__all__ = [
    "DatabaseSettings",
    "GpuSettings",
    "HouseSettings",
    "KeepSettings",
    "MoneySettings",
    "PaceSettings",
    "PainterAddress",
    "PollSettings",
    "QueueSettings",
    "RuleSettings",
    "Settings",
    "StorageSettings",
    "WorkSettings",
    "XSettings",
    "load",
    "misspelt_settings",
    "warn_of_misspelt_settings",
]
