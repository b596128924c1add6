"""The parts of diffusers that the engine uses, as types: the library itself has none."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class PipelineOutput(Protocol):
    images: torch.Tensor


class Scheduler(Protocol):
    """A diffusers scheduler."""

    config: Mapping[str, object]

    @classmethod
    def from_config(cls, config: Mapping[str, object], **values: object) -> Scheduler: ...


class Pipeline(Protocol):
    """A diffusers pipeline. Its networks have other names in each family."""

    scheduler: Scheduler
    config: Mapping[str, object]
    components: Mapping[str, object]

    def __call__(self, **arguments: object) -> PipelineOutput: ...

    def to(self, device: str) -> Pipeline: ...

    def set_progress_bar_config(self, *, disable: bool) -> None: ...

    # `vae`, `unet`, `transformer`, ...
    def __getattr__(self, name: str) -> Any: ...


def diffusers_class(name: str) -> Any:
    """Return a class of diffusers, imported only now. Its methods are untyped."""
    return getattr(importlib.import_module("diffusers"), name)
