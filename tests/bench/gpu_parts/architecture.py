"""The types that describe an architecture: a pipeline and its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One network: its class in diffusers, or in transformers if `config` names a configuration class."""

    kind: str
    values: Values
    config: str | None = None
    # Values that make it tiny.
    shrunk: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Architecture:
    """A pipeline and its networks.

    tokens: length of the text that the denoiser reads. packed: it reads 2 x 2 latents as one token. scale: pixels a
    side of one latent. instruction: tokens that are encoded before the prompt.
    """

    pipeline: str
    parts: Mapping[str, Part]
    tokenizers: Mapping[str, str]
    scheduler: str
    schedule: Values
    tokens: int = 77
    packed: bool = False
    scale: int = 8
    instruction: int = 0
    # Channels of the latents, also for the tiny VAE.
    latent_channels: int = 4
    extra: Values = field(default_factory=dict)
