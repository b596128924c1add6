"""One deployment as the environment of `make deploy-gpu` describes it: model, card, day and night, and their price.

Knows the settings (DEPLOY_... how it is rented, GPU_... how it paints) and the table of prices. Knows no Modal.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu.cost import prices
from gpu.cost.policy import Plan, Policy
from gpu.diffusion.presets import find_preset
from gpu.settings import GpuSettings

Snapshot = Literal["off", "memory", "gpu"]

# For a model that no preset knows: 48 GB hold any of today's at 1024 x 1024, and Modal says to begin with this card.
ANY_CARD = "L40S"
ANY_GIB = 32
# Where the Volume with the weights lies in each container.
WEIGHTS = "/weights"
# What belongs to the deployment itself, to Modal's machine or to the Secret, and is not handed through.
_NOT_HANDED_ON = {"engine", "device", "host", "port", "token", "card", "usd_per_second", "keeps_seconds"}


class DeploySettings(BaseSettings):
    """How the painter is rented. Raises pydantic's ValidationError for a wrong value."""

    model_config = SettingsConfigDict(env_prefix="DEPLOY_", frozen=True, env_ignore_empty=True)

    # Empty: what the preset recommends.
    card: str = Field("", max_length=40, examples=["L4"])
    # One core starts the card's kernels, one encodes. Request and limit alike, so that the price is exact.
    cores: float = Field(2, ge=prices.LEAST_CORES, le=64, examples=[2])
    # None: what the preset needs, since weights pass through memory on their way to the card.
    memory_gib: int | None = Field(None, ge=1, le=336, examples=[16])

    timezone: str = Field("UTC", examples=["Europe/Berlin"])
    # By day people ask in threads: who comes within five minutes of another gets a warm card.
    day_begins: int = Field(7, ge=0, le=23, examples=[7])
    day_min: int = Field(0, ge=0, le=100, examples=[1])
    day_max: int = Field(3, ge=1, le=100, examples=[3])
    day_buffer: int = Field(0, ge=0, le=100, examples=[0])
    day_scaledown: int = Field(300, ge=2, le=3600, examples=[300])
    # By night nothing idles, and nobody wakes up to a bill.
    night_begins: int = Field(23, ge=0, le=23, examples=[23])
    night_min: int = Field(0, ge=0, le=100, examples=[0])
    night_max: int = Field(1, ge=1, le=100, examples=[1])
    night_buffer: int = Field(0, ge=0, le=100, examples=[0])
    night_scaledown: int = Field(60, ge=2, le=3600, examples=[60])

    # Off: a GPU snapshot is in alpha, and a memory snapshot saves seconds of imports only. Both are worth a try where
    # cold starts hurt.
    snapshot: Snapshot = Field("off", examples=["gpu"])

    @property
    def plan(self) -> Plan:
        """Raises ValueError where the numbers contradict each other."""
        return Plan(self._policy("day"), self._policy("night"), self.timezone)

    def _policy(self, name: Literal["day", "night"]) -> Policy:
        return Policy(
            name,
            begins=getattr(self, f"{name}_begins"),
            min_containers=getattr(self, f"{name}_min"),
            max_containers=getattr(self, f"{name}_max"),
            buffer_containers=getattr(self, f"{name}_buffer"),
            scaledown_window=getattr(self, f"{name}_scaledown"),
        )


@dataclass(frozen=True)
class Deployment:
    """What is rented and what a second of one container costs, in US dollars."""

    model: str
    card: str
    cores: float
    gib: int
    usd_per_second: float
    # The host said so, not the table.
    price_given: bool
    plan: Plan
    snapshot: Snapshot
    # For the containers, so that there the same is read out of it as here.
    environment: Mapping[str, str]


def read_deployment() -> Deployment:
    """The deployment of this process's environment. Raises ValueError (pydantic's included) with the reason."""
    # What is rented paints with a model, whatever this machine's own painter does: a misspelt name is told now.
    rented, painter = DeploySettings(), GpuSettings(engine="diffusers")
    for model in (painter.model, painter.safety_model):
        _refuse_a_folder_of_this_machine(model)
    card, gib = _recommended(painter.model)
    card, gib = (rented.card or card).strip().upper(), rented.memory_gib or gib
    usd_per_second = painter.usd_per_second or prices.per_second(card, cores=rented.cores, gib=gib)
    return Deployment(
        model=painter.model,
        card=card,
        cores=rented.cores,
        gib=gib,
        usd_per_second=usd_per_second,
        price_given=painter.usd_per_second > 0,
        plan=rented.plan,
        snapshot=rented.snapshot,
        environment={
            **_written("DEPLOY", rented),
            **_written("GPU", painter, _NOT_HANDED_ON),
            "GPU_ENGINE": "diffusers",
            "GPU_CARD": card,
            "GPU_USD_PER_SECOND": f"{usd_per_second:.9f}",
        },
    )


def _refuse_a_folder_of_this_machine(model: str) -> None:
    if model.startswith(WEIGHTS + "/") or find_preset(model):
        return
    if model.startswith((".", "/", "~")) or Path(model).is_dir():
        raise ValueError(
            f"the folder {model[:80]} is not at Modal: `modal volume put threadpaint-weights FOLDER /NAME`, "
            f"then its name is {WEIGHTS}/NAME"
        )


def misspelt_settings() -> Iterator[str]:
    """Variables of this process that look like a deployment's and are none: what they were to change is not changed."""
    known = {f"DEPLOY_{name.upper()}" for name in DeploySettings.model_fields}
    yield from sorted(name for name in os.environ if name.upper().startswith("DEPLOY_") and name.upper() not in known)


def _recommended(model: str) -> tuple[str, int]:
    """Card and GiB of memory for a model: what is loaded passes through memory as a whole, beside some 8 GiB of
    Python, libraries and pictures."""
    preset = find_preset(model)
    if preset is None:
        return ANY_CARD, ANY_GIB
    return preset.card, math.ceil(2 * preset.parameters) + 8


def _written(prefix: str, settings: BaseSettings, left_out: set[str] | None = None) -> dict[str, str]:
    """The settings that were given, as variables."""
    given = settings.model_dump(exclude_unset=True, exclude=left_out)
    return {f"{prefix}_{name.upper()}": str(value) for name, value in given.items() if value is not None}
