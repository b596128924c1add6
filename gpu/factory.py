"""Create the service that the settings describe, and warn about settings that the operator should know about.

Only the engine that needs heavy libraries imports them, when it loads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from gpu.api.contract import Cost
from gpu.api.service import create_app
from gpu.deploy.prices import UnknownGpu, gpu_price
from gpu.diffusion.presets import find_preset, license_of
from gpu.diffusion.revisions import Revisions
from gpu.engine import Engine, SafetyChecker, TextEncoder
from gpu.settings import OLD_NAMES, ServiceSettings, old_names_warning

log = logging.getLogger("gpu")


def make_engine(settings: ServiceSettings) -> Engine:
    """Return the engine, not yet loaded."""
    if settings.engine == "sketch":
        from gpu.sketch.engine import SketchEngine

        return SketchEngine()
    from gpu.diffusion.engine import DiffusersEngine
    from gpu.diffusion.tuning import Tuning

    return DiffusersEngine(
        settings.model,
        device=settings.device,
        batch_limit=settings.batch_limit,
        max_side=settings.max_side,
        vae=settings.vae,
        revisions=settings.revisions,
        tuning=Tuning(
            dtype=settings.dtype,
            channels_last=settings.channels_last,
            fuse_qkv=settings.fuse_qkv,
            compile=settings.compile,
            warm_up=settings.warm_up,
        ),
    )


def make_checker(settings: ServiceSettings) -> SafetyChecker | None:
    """Return the safety check, not yet loaded. None if it is off, or not needed: sketches are harmless."""
    if settings.engine == "sketch" or settings.safety == "off":
        return None
    from gpu.safety.clip import ClipChecker

    source = _safety_source(settings)
    return ClipChecker(source, device=settings.device, revision=settings.revisions.get(source))


def make_text_encoder(settings: ServiceSettings, checker: SafetyChecker | None) -> TextEncoder | None:
    """Return the text encoder, not yet loaded. None without a safety check: there are no pictures' embeddings then."""
    from gpu.safety.clip import ClipChecker
    from gpu.safety.text import ClipTextEncoder

    if not isinstance(checker, ClipChecker):
        return None
    source = settings.text_model
    return ClipTextEncoder(source, checker, device=settings.device, revision=settings.revisions.get(source))


def make_app(settings: ServiceSettings) -> FastAPI:
    """Return the whole service, the same on Modal, at home and in tests."""
    for warning in _warnings(settings):
        log.warning(warning)
    if unpinned := _unpinned(settings):
        log.info("GPU_REVISIONS has no commit for %s: their weights can change at any time", ", ".join(unpinned))
    checker = make_checker(settings)
    return create_app(
        make_engine(settings),
        token=settings.token.get_secret_value() if settings.token else None,
        checker=checker,
        text_encoder=make_text_encoder(settings, checker),
        drop_flagged=settings.safety == "drop",
        queue_limit=settings.queue_limit,
        batch_wait=settings.batch_wait_ms / 1000,
        scaledown_seconds=settings.scaledown_seconds,
        encoding=settings.encoding,
        encode_threads=settings.encode_threads,
        cost=_cost(settings),
    )


def _warnings(settings: ServiceSettings) -> Iterator[str]:
    if old_names := old_names_warning(OLD_NAMES):
        yield old_names
    if settings.engine == "sketch":
        return
    license = license_of(settings.model)
    if license.commercial != "free":
        name = Path(settings.model).name if Path(settings.model).is_dir() else settings.model
        yield f"the license of {name} is {license.name}: {license.summary}; read {license.address}"
    if settings.type and not _usd_per_second(settings) and "usd_per_second" not in settings.model_fields_set:
        yield f"GPU_TYPE: no price is known for {settings.type}; set GPU_USD_PER_SECOND, or answers have no cost"
    if settings.safety == "off":
        yield "GPU_SAFETY=off: pictures are returned without a safety check"


def _safety_source(settings: ServiceSettings) -> str:
    """Return the weights that the setting names, else those in a model's folder, else the default."""
    has_own = (Path(settings.model) / "safety_checker").is_dir()
    return settings.model if has_own and "safety_model" not in settings.model_fields_set else settings.safety_model


def _unpinned(settings: ServiceSettings) -> list[str]:
    if settings.engine == "sketch":
        return []
    preset = find_preset(settings.model)
    sources: list[str | None] = [settings.model]
    if preset:
        vae = preset.tiny_vae if settings.vae == "tiny" else preset.fp16_vae
        sources = [preset.source, preset.unet[0] if preset.unet else None, vae]
    if settings.safety != "off":
        sources += [_safety_source(settings), settings.text_model]
    pinned = Revisions({**(preset.revisions if preset else {}), **settings.revisions})
    return pinned.unpinned(sources)


def _cost(settings: ServiceSettings) -> Cost | None:
    price = _usd_per_second(settings)
    return Cost(card=settings.type or "this machine", usd_per_second=price) if price else None


def _usd_per_second(settings: ServiceSettings) -> float:
    """Return the operator's price (0 means none), else the list price of the GPU without CPU and memory."""
    if "usd_per_second" in settings.model_fields_set or not settings.type:
        return settings.usd_per_second
    try:
        return gpu_price(settings.type)
    except UnknownGpu:
        return 0.0
