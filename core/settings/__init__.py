"""Settings: one small class per concern, read once at the edge from the environment (or `.env`).

Every value has the embedded default of one machine, except secrets of the outside world: these have none, and a
missing one stops the process at its start with the variable's name and an example.
"""

from core.settings.app import AppSettings, DatabaseSettings, QueueSettings, StorageSettings
from core.settings.base import Settings, load
from core.settings.budget import BudgetSettings
from core.settings.gpu import GpuBackend, GpuSettings
from core.settings.jobs import JobSettings, PurgeSettings, RateLimitSettings
from core.settings.unknown_names import describe_unknown_settings, warn_about_unknown_settings
from core.settings.x import PollSettings, UsagePolicySettings, XSettings

__all__ = [
    "AppSettings",
    "BudgetSettings",
    "DatabaseSettings",
    "GpuBackend",
    "GpuSettings",
    "JobSettings",
    "PollSettings",
    "PurgeSettings",
    "QueueSettings",
    "RateLimitSettings",
    "Settings",
    "StorageSettings",
    "UsagePolicySettings",
    "XSettings",
    "describe_unknown_settings",
    "load",
    "warn_about_unknown_settings",
]
