"""Makes the painters that are measured: whole services as `gpu.engines` makes them, around a tiny or a random model.

Knows the GPU service's own wiring and where random weights come from; knows no clock and no caller.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gpu.diffusion.engine import DiffusersEngine
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import find_preset
from gpu.diffusion.tuning import Tuning, best_device
from gpu.engines import make_app
from gpu.safety.clip import ClipChecker
from gpu.settings import GpuSettings
from gpu.web.service import create_app
from tests.bench.painter.architectures import ARCHITECTURES
from tests.bench.painter.assembling import assemble, build_tiny_vae, save_safety
from tests.bench.painter.floor import bare_app
from tests.support.tiny_models import tiny_model

# What a shrunk network calls its native size.
SHRUNK_SIDE = 64


def make_service(folder: Path, *, kind: str, settings: dict[str, Any], shrunk: bool = False) -> FastAPI:
    """The service named by `kind`: "tiny", "random" (a preset's real architecture, thin where `shrunk`), or "floor"
    with its `answer_bytes`.

    `settings` are those of `GpuSettings`; models are saved in `folder` once, and found there the next time.
    """
    if kind == "floor":
        return bare_app(int(settings["answer_bytes"]))
    if kind == "random":
        return _random(folder, GpuSettings(engine="diffusers", **settings), shrunk)
    return _tiny(folder, settings)


def _tiny(folder: Path, settings: dict[str, Any]) -> FastAPI:
    """The service as anybody starts it, around a tiny model in a folder."""
    from tests.support.tiny_safety import tiny_safety  # imports torch

    model, check = folder / "tiny-turbo", folder / "tiny-safety"
    if not model.exists():
        make_it_listen(tiny_model(model))
        tiny_safety(check)
    own = {"model": str(model), "safety": "off", "safety_model": str(check)}
    return make_app(GpuSettings(engine="diffusers", **(own | settings)))


def _random(folder: Path, settings: GpuSettings, shrunk: bool) -> FastAPI:
    """The service around a preset's networks with random weights, tuned as its settings say."""
    preset = _preset(settings.model, shrunk)
    engine = DiffusersEngine(
        preset,
        device=settings.device,
        batch_limit=settings.batch_limit,
        max_side=settings.max_side,
        tuning=Tuning(settings.dtype, settings.channels_last, settings.fuse_qkv, settings.compile, settings.warm_up),
        vae=settings.vae,
        make=partial(_made, settings.model, shrunk, settings.device or best_device()),
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


def _made(
    name: str, shrunk: bool, device: str, _source: str, preset: Preset, *, dtype: Any, vae: str, revisions: object
) -> Any:
    """In place of `load_text_pipeline`: the same networks, from nowhere. They are made where they will be used."""
    architecture = ARCHITECTURES[name]
    pipeline = assemble(architecture, device=device, dtype=dtype, shrunk=shrunk)
    if vae == "tiny" and preset.tiny_vae:
        pipeline.vae = build_tiny_vae(architecture.latent_channels, device=device, dtype=dtype)
    return pipeline


def make_it_listen(model: Path) -> Path:
    """Let the prompt matter: in a UNet of random weights it moves no value of a picture by more than 5 of 255, and who
    got another's prompt would not be noticed. With louder attention to it, by 30 and more."""
    from safetensors.torch import load_file, save_file

    [file] = (model / "unet").glob("*.safetensors")
    weights = load_file(file)
    for name, values in weights.items():
        if ".attn2." in name:
            values.mul_(10 if ".to_q." in name or ".to_k." in name else 20)
    save_file(weights, file, metadata={"format": "pt"})
    return model
