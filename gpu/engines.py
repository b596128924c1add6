"""Makes the engine that the settings name. Heavy libraries are imported only by the engine that needs them."""

from __future__ import annotations

from fastapi import FastAPI

from gpu.engine import Engine
from gpu.settings import GpuSettings
from gpu.web import create_app


def make_engine(settings: GpuSettings) -> Engine:
    """The engine, not yet loaded."""
    if settings.engine == "sketch":
        from gpu.sketch.engine import SketchEngine

        return SketchEngine()
    from gpu.diffusion.engine import DiffusersEngine

    return DiffusersEngine(
        settings.model,
        device=settings.device,
        batch_limit=settings.batch_limit or 8,
        max_side=settings.max_side or 1024,
    )


def make_app(settings: GpuSettings) -> FastAPI:
    """The whole service as the settings want it: the same on Modal, at home and in tests."""
    return create_app(
        make_engine(settings),
        token=settings.token.get_secret_value() if settings.token else None,
        queue_limit=settings.queue_limit,
        batch_wait=settings.batch_wait_ms / 1000,
        keeps=settings.keeps_seconds,
        encoding=settings.encoding,
        encode_threads=settings.encode_threads,
    )
