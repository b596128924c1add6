"""Makes the painters that are measured: whole services as `gpu.engines` makes them, around a tiny or a random model.

Knows the GPU service's own wiring and where random weights come from; knows no clock and no caller.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gpu.engines import make_app
from gpu.settings import GpuSettings
from tests.bench.painter.floor import bare_app
from tests.support.tiny_models import tiny_model
from tests.support.tiny_safety import tiny_safety


def make_service(folder: Path, *, kind: str, settings: dict[str, Any], shrunk: bool = False) -> FastAPI:
    """The service named by `kind`: "tiny", "random" (a preset's real architecture, thin where `shrunk`), or "floor"
    with its `answer_bytes`.

    `settings` are those of `GpuSettings`; models are saved in `folder` once, and found there the next time.
    """
    if kind == "floor":
        return bare_app(int(settings["answer_bytes"]))
    model = folder / "tiny-turbo"
    if not model.exists():
        make_it_listen(tiny_model(model))
    check = folder / "tiny-safety"
    if not check.exists():
        tiny_safety(check)
    own = {"model": str(model), "safety": "off", "safety_model": str(check)}
    return make_app(GpuSettings(engine="diffusers", **(own | settings)))


def make_it_listen(model: Path) -> Path:
    """Let the prompt matter: in a UNet of random weights it moves no value of a picture by more than 5 of 255, and who
    got another's prompt would not be noticed. With louder attention to it, by 30 and more."""
    from safetensors.torch import load_file, save_file

    [file] = (model / "unet").glob("*.safetensors")
    weights = load_file(file)
    for name, values in weights.items():
        if ".attn2." in name:
            values *= 10 if ".to_q." in name or ".to_k." in name else 20
    save_file(weights, file, metadata={"format": "pt"})
    return model
