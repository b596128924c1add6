"""Makes the service that the settings name, and says at start what its host should know: licence, and what is off.

Heavy libraries are imported only by the engine that needs them, when it loads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from gpu.cost.prices import CARDS, UnknownCard, name_of
from gpu.diffusion.presets import find_preset, licence_of
from gpu.diffusion.revisions import Revisions
from gpu.engine import Checker, Engine
from gpu.settings import GpuSettings
from gpu.web.contract import Cost
from gpu.web.service import create_app

log = logging.getLogger("gpu")


def make_engine(settings: GpuSettings) -> Engine:
    """The engine, not yet loaded."""
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


def make_checker(settings: GpuSettings) -> Checker | None:
    """The safety check, not yet loaded; None where there is nothing to check: sketches are harmless."""
    if settings.engine == "sketch" or settings.safety == "off":
        return None
    from gpu.safety.clip import ClipChecker

    source = _safety_source(settings)
    return ClipChecker(source, device=settings.device, revision=settings.revisions.get(source))


def make_app(settings: GpuSettings) -> FastAPI:
    """The whole service as the settings want it: the same on Modal, at home and in tests."""
    for line in _worth_knowing(settings):
        log.warning(line)
    if unpinned := _unpinned(settings):
        log.info("GPU_REVISIONS names no commit of %s: their weights are whatever is there today", ", ".join(unpinned))
    return create_app(
        make_engine(settings),
        token=settings.token.get_secret_value() if settings.token else None,
        checker=make_checker(settings),
        withhold=settings.safety == "refuse",
        queue_limit=settings.queue_limit,
        batch_wait=settings.batch_wait_ms / 1000,
        keeps=settings.keeps_seconds,
        encoding=settings.encoding,
        encode_threads=settings.encode_threads,
        cost=_cost(settings),
    )


def _worth_knowing(settings: GpuSettings) -> Iterator[str]:
    if settings.engine == "sketch":
        return
    licence = licence_of(settings.model)
    if licence.commercial != "free":
        name = Path(settings.model).name if Path(settings.model).is_dir() else settings.model
        yield f"the licence of {name} is {licence.name}: {licence.words}; read {licence.address}"
    if settings.card and not _usd_per_second(settings) and "usd_per_second" not in settings.model_fields_set:
        yield f"GPU_CARD: no price is known for {settings.card}; set GPU_USD_PER_SECOND, or no answer says what it cost"
    if settings.safety == "off":
        yield "GPU_SAFETY=off: nobody looks at the pictures before they are handed out"


def _safety_source(settings: GpuSettings) -> str:
    """The weights that were named, else the ones a model's folder brings along, else the usual ones."""
    brings_own = (Path(settings.model) / "safety_checker").is_dir()
    return settings.model if brings_own and "safety_model" not in settings.model_fields_set else settings.safety_model


def _unpinned(settings: GpuSettings) -> list[str]:
    if settings.engine == "sketch":
        return []
    preset = find_preset(settings.model)
    read: list[str | None] = [preset.source, preset.unet[0] if preset.unet else None] if preset else [settings.model]
    if preset:
        read.append(preset.tiny_vae if settings.vae == "tiny" else preset.fp16_vae)
    if settings.safety != "off":
        read.append(_safety_source(settings))
    pinned = Revisions({**(preset.revisions if preset else {}), **settings.revisions})
    return pinned.unpinned(read)


def _cost(settings: GpuSettings) -> Cost | None:
    price = _usd_per_second(settings)
    return Cost(card=settings.card or "this machine", usd_per_second=price) if price else None


def _usd_per_second(settings: GpuSettings) -> float:
    """What the host says, who may say nothing at all by 0; else the list price of the card alone, since what is rented
    beside it is not known here."""
    if "usd_per_second" in settings.model_fields_set or not settings.card:
        return settings.usd_per_second
    try:
        return CARDS[name_of(settings.card)]
    except UnknownCard:
        return 0.0
