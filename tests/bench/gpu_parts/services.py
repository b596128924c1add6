"""Create the measured services as `gpu.factory` does, with a tiny model or random weights."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gpu.api.service import create_app
from gpu.diffusion.engine import DiffusersEngine
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import find_preset
from gpu.diffusion.tuning import Tuning, best_device
from gpu.factory import make_app
from gpu.safety.clip import ClipChecker
from gpu.settings import ServiceSettings
from tests.bench.gpu_parts.architectures import ARCHITECTURES
from tests.bench.gpu_parts.assembling import assemble, build_tiny_vae, save_safety
from tests.bench.gpu_parts.floor import bare_app
from tests.bench.gpu_parts.instant import InstantEngine
from tests.support.tiny_models import tiny_model

# The native size of a shrunk network.
SHRUNK_SIDE = 64


def make_service(folder: Path, *, kind: str, settings: dict[str, Any], shrunk: bool = False) -> FastAPI:
    """Return a service.

    `kind` is "tiny", "random" (a preset's real architecture, thin if `shrunk`), "instant" (an engine without cost) or
    "floor". `settings` are those of `ServiceSettings`, arguments of `create_app` for "instant", or `answer_bytes` of
    "floor". Models are saved in `folder` and reused.
    """
    if kind == "instant":
        return create_app(InstantEngine(), token=None, **settings)
    if kind == "floor":
        return bare_app(int(settings["answer_bytes"]))
    if kind == "random":
        return _random(folder, ServiceSettings(engine="diffusers", **settings), shrunk)
    return _tiny(folder, settings)


def _tiny(folder: Path, settings: dict[str, Any]) -> FastAPI:
    """Return the service as operators start it, with a tiny model in a folder."""
    from tests.support.tiny_safety import tiny_safety  # imports torch

    model, check = folder / "tiny-turbo", folder / "tiny-safety"
    if not model.exists():
        amplify_prompt(tiny_model(model))
        tiny_safety(check)
    own = {"model": str(model), "safety": "off", "safety_model": str(check)}
    return make_app(ServiceSettings(engine="diffusers", **(own | settings)))


def _random(folder: Path, settings: ServiceSettings, shrunk: bool) -> FastAPI:
    """Return the service with a preset's networks and random weights, tuned by its settings."""
    preset = _preset(settings.model, shrunk)
    engine = DiffusersEngine(
        preset,
        device=settings.device,
        batch_limit=settings.batch_limit,
        max_side=settings.max_side,
        tuning=Tuning(settings.dtype, settings.channels_last, settings.fuse_qkv, settings.compile, settings.warm_up),
        vae=settings.vae,
        load_pipeline=partial(_create_pipeline, settings.model, shrunk, settings.device or best_device()),
    )
    check = folder / "safety"
    if settings.safety != "off" and not check.exists():
        _save_check(check, shrunk)
    checker = ClipChecker(str(check), device=settings.device) if settings.safety != "off" else None
    return create_app(engine, token=None, checker=checker, queue_limit=settings.queue_limit)


def _save_check(folder: Path, shrunk: bool) -> None:
    if not shrunk:
        return save_safety(folder)
    from tests.support.tiny_safety import tiny_safety  # imports torch

    tiny_safety(folder)
    return None


def _preset(name: str, shrunk: bool) -> Preset:
    preset = find_preset(name)
    assert preset is not None
    return replace(preset, side=SHRUNK_SIDE) if shrunk else preset


def _create_pipeline(
    name: str, shrunk: bool, device: str, _source: str, preset: Preset, *, dtype: Any, vae: str, revisions: object
) -> Any:
    """Replace `load_text_pipeline`: create the same networks on the device, without loading weights."""
    architecture = ARCHITECTURES[name]
    pipeline = assemble(architecture, device=device, dtype=dtype, shrunk=shrunk)
    if vae == "tiny" and preset.tiny_vae:
        pipeline.vae = build_tiny_vae(architecture.latent_channels, device=device, dtype=dtype)
    return pipeline


def amplify_prompt(model: Path) -> Path:
    """Amplify the attention to the prompt, so that a picture of a wrong prompt is noticed.

    With random weights the prompt changes no value by more than 5 of 255; amplified, by 30 and more.
    """
    from safetensors.torch import load_file, save_file

    [file] = (model / "unet").glob("*.safetensors")
    weights = load_file(file)
    for name, values in weights.items():
        if ".attn2." in name:
            values.mul_(10 if ".to_q." in name or ".to_k." in name else 20)
    save_file(weights, file, metadata={"format": "pt"})
    return model
