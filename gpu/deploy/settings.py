"""The deployment that the environment describes: DEPLOY_... is how it is rented, GPU_... how it generates."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu.deploy.prices import MIN_BILLED_CORES, container_price
from gpu.diffusion.presets import find_preset
from gpu.settings import ServiceSettings, renamed

# Accepted until 0.2.
OLD_NAMES = {
    "DEPLOY_CARD": "DEPLOY_GPU_TYPE",
    "DEPLOY_DAY_BEGINS": "DEPLOY_DAY_START_HOUR",
    "DEPLOY_NIGHT_BEGINS": "DEPLOY_NIGHT_START_HOUR",
}
# GPU type and GiB of memory for a model without preset: 48 GB hold any of today's at 1024 x 1024.
DEFAULT_MACHINE = ("L40S", 32)
# Python, libraries and images, beside the weights.
BASE_MEMORY_GIB = 8
# Where each container mounts the Volume with the weights.
WEIGHTS = "/weights"
# These belong to the deployment, to Modal's machine or to the Secret.
_NOT_FORWARDED = {"engine", "device", "host", "port", "token", "type", "usd_per_second", "scaledown_seconds"}


class AutoscalerPolicy(NamedTuple):
    """Modal's parameters from `start_hour` on. `buffer_containers` are spares while requests arrive."""

    name: str
    start_hour: int
    min_containers: int
    max_containers: int
    buffer_containers: int
    scaledown_window: int  # seconds that an idle container stays


class DeploySettings(BaseSettings):
    """How the GPU service is rented. Raises pydantic's ValidationError for a wrong value."""

    model_config = SettingsConfigDict(env_prefix="DEPLOY_", frozen=True, env_ignore_empty=True, populate_by_name=True)

    # Empty: the preset's recommendation.
    gpu_type: str = Field(
        "", max_length=40, examples=["L4"], validation_alias=renamed("DEPLOY_GPU_TYPE", "DEPLOY_CARD")
    )
    # One core starts the GPU's kernels, one encodes. Request and limit are equal, so that the price is exact.
    cores: float = Field(2, ge=MIN_BILLED_CORES, le=64, examples=[2])
    # None: what the preset needs, since weights pass through memory on their way to the GPU.
    memory_gib: int | None = Field(None, ge=1, le=336, examples=[16])

    timezone: str = Field("UTC", examples=["Europe/Berlin"])
    # By day requests come in threads: one within five minutes of another finds a warm GPU.
    day_start_hour: int = Field(
        7, ge=0, le=23, examples=[7], validation_alias=renamed("DEPLOY_DAY_START_HOUR", "DEPLOY_DAY_BEGINS")
    )
    day_min: int = Field(0, ge=0, le=100, examples=[1])
    # Modal reads a maximum of 0 as "no maximum", which would be no ceiling at all.
    day_max: int = Field(3, ge=1, le=100, examples=[3])
    day_buffer: int = Field(0, ge=0, le=100, examples=[0])
    day_scaledown: int = Field(300, ge=2, le=3600, examples=[300])
    # By night nothing idles, so that the morning brings no surprising bill.
    night_start_hour: int = Field(
        23, ge=0, le=23, examples=[23], validation_alias=renamed("DEPLOY_NIGHT_START_HOUR", "DEPLOY_NIGHT_BEGINS")
    )
    night_min: int = Field(0, ge=0, le=100, examples=[0])
    night_max: int = Field(1, ge=1, le=100, examples=[1])
    night_buffer: int = Field(0, ge=0, le=100, examples=[0])
    night_scaledown: int = Field(60, ge=2, le=3600, examples=[60])

    # GPU snapshots are in alpha at Modal, and memory snapshots save only seconds of imports.
    snapshot: Literal["off", "memory", "gpu"] = Field("off", examples=["gpu"])

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of names
            raise ValueError(f"unknown timezone {timezone[:40]!r}") from None
        return timezone

    @model_validator(mode="after")
    def _check_policies(self) -> DeploySettings:
        for policy in (self.day, self.night):
            if max(policy.min_containers, policy.buffer_containers) > policy.max_containers:
                raise ValueError(f"by {policy.name} the minimum and the buffer must not exceed the maximum")
        if self.day.start_hour == self.night.start_hour:
            raise ValueError("day and night start at the same hour")
        return self

    @property
    def day(self) -> AutoscalerPolicy:
        return AutoscalerPolicy(
            "day", self.day_start_hour, self.day_min, self.day_max, self.day_buffer, self.day_scaledown
        )

    @property
    def night(self) -> AutoscalerPolicy:
        return AutoscalerPolicy(
            "night", self.night_start_hour, self.night_min, self.night_max, self.night_buffer, self.night_scaledown
        )

    def policy_at(self, now: datetime) -> AutoscalerPolicy:
        """Return the policy at a moment. Raises ValueError if it has no timezone."""
        if now.tzinfo is None:
            raise ValueError("the moment has no timezone")
        hour = now.astimezone(ZoneInfo(self.timezone)).hour
        since_day, since_night = (hour - self.day_start_hour) % 24, (hour - self.night_start_hour) % 24
        return self.day if since_day < since_night else self.night


@dataclass(frozen=True)
class Deployment:
    """What is rented.

    Attributes:
        usd_per_second: price of one container.
        is_custom_price: whether the operator set it, instead of the table.
        environment: for the containers, so that they read the same settings.
    """

    settings: DeploySettings
    model: str
    gpu_type: str
    gib: int
    usd_per_second: float
    is_custom_price: bool
    environment: Mapping[str, str]


def load_deployment() -> Deployment:
    """Return the deployment of this process's environment. Raises ValueError (pydantic's included) with the reason."""
    # A deployment always uses diffusers, even if this machine runs another engine. So a misspelled model fails here.
    deploy, gpu = DeploySettings(), ServiceSettings(engine="diffusers")
    for model in (gpu.model, gpu.safety_model, gpu.text_model):
        _ensure_no_local_folder(model)
    gpu_type, gib = _recommended(gpu.model)
    gpu_type, gib = (deploy.gpu_type or gpu_type).strip().upper(), deploy.memory_gib or gib
    usd_per_second = gpu.usd_per_second or container_price(gpu_type, cores=deploy.cores, gib=gib)
    environment = {
        **_as_variables("DEPLOY", deploy),
        **_as_variables("GPU", gpu, exclude=_NOT_FORWARDED),
        "GPU_ENGINE": "diffusers",
        "GPU_TYPE": gpu_type,
        "GPU_USD_PER_SECOND": f"{usd_per_second:.9f}",
    }
    return Deployment(deploy, gpu.model, gpu_type, gib, usd_per_second, gpu.usd_per_second > 0, environment)


def unknown_settings() -> list[str]:
    """Return the DEPLOY_ variables of this process that no setting reads."""
    known = {f"DEPLOY_{name.upper()}" for name in DeploySettings.model_fields} | OLD_NAMES.keys()
    return sorted(name for name in os.environ if name.upper().startswith("DEPLOY_") and name.upper() not in known)


def _ensure_no_local_folder(model: str) -> None:
    if model.startswith(WEIGHTS + "/") or find_preset(model):
        return
    if model.startswith((".", "/", "~")) or Path(model).is_dir():
        raise ValueError(
            f"the folder {model[:80]} is not at Modal: `modal volume put threadpaint-weights FOLDER /NAME`, "
            f"then use {WEIGHTS}/NAME"
        )


def _recommended(model: str) -> tuple[str, int]:
    """Return the GPU type and GiB of memory for a model, whose weights pass through memory as a whole."""
    preset = find_preset(model)
    return (preset.gpu_type, math.ceil(2 * preset.parameters) + BASE_MEMORY_GIB) if preset else DEFAULT_MACHINE


def _as_variables(prefix: str, settings: BaseSettings, exclude: set[str] | None = None) -> dict[str, str]:
    """Return the settings that are not at their default, as environment variables."""
    values = settings.model_dump(exclude_unset=True, exclude=exclude)
    return {f"{prefix}_{name.upper()}": str(value) for name, value in values.items() if value is not None}
