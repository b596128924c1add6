"""The same service on Modal: image, weights, secret, autoscaling. Knows Modal; everything else is in `engines.py`.

    modal secret create threadpaint-gpu GPU_TOKEN=...     once
    modal deploy -m gpu.app                               prints the address for GPU_URL

The only file that imports modal.
"""

from __future__ import annotations

import logging

import modal
from fastapi import FastAPI

from gpu.engines import make_app
from gpu.settings import GpuSettings

APP_NAME = "threadpaint-gpu"
MODEL = "stabilityai/sd-turbo"
# For a bot's bursts the small card is the cheapest by far: $0.80 an hour, 28 ms of pure compute a picture.
GPU = "L4"
# The ceiling of what an hour can cost: this many cards.
MAX_CONTAINERS = 3
# Nothing idles when nobody asks; the first one after a pause waits for a cold start of 10 s or so.
MIN_CONTAINERS = 0
# A cold start costs about as much as two idle minutes, and posts come in threads.
SCALEDOWN_SECONDS = 120
# One batch being painted and one waiting keep a card busy; more than that wants another card.
TARGET_INPUTS = 16
MAX_INPUTS = 48
# A few GB from a Volume and onto the card, with room for a slow day.
STARTUP_SECONDS = 600
# An order that waits longer than this is asked for again by the worker anyway.
TIMEOUT_SECONDS = 120

CACHE = "/weights"

image = (
    modal.Image.debian_slim(python_version="3.11")
    .uv_pip_install(
        "torch==2.13.0",
        "diffusers==0.42.1",
        "transformers==5.23.0",
        "accelerate==1.15.0",
        "fastapi==0.163.2",
        "numpy==2.4.6",
        "pillow==13.0.0",
        "pydantic-settings==2.16.3",
    )
    .env({"HF_HOME": CACHE, "HF_XET_HIGH_PERFORMANCE": "1", "GPU_ENGINE": "diffusers", "GPU_MODEL": MODEL})
    .add_local_python_source("gpu")
)
weights = modal.Volume.from_name("threadpaint-weights", create_if_missing=True)
secret = modal.Secret.from_name("threadpaint-gpu", required_keys=["GPU_TOKEN"])
app = modal.App(APP_NAME)


@app.cls(
    image=image,
    gpu=GPU,
    volumes={CACHE: weights},
    secrets=[secret],
    min_containers=MIN_CONTAINERS,
    max_containers=MAX_CONTAINERS,
    scaledown_window=SCALEDOWN_SECONDS,
    startup_timeout=STARTUP_SECONDS,
    timeout=TIMEOUT_SECONDS,
)
@modal.concurrent(max_inputs=MAX_INPUTS, target_inputs=TARGET_INPUTS)
class Gpu:
    """One container: one engine, one card, many callers."""

    @modal.enter()
    def load(self) -> None:
        """Load before the container counts as ready, so that requests wait at Modal instead of getting 503."""
        logging.basicConfig(level=logging.INFO)
        self.service = make_app(GpuSettings())
        thread = self.service.state.engine_thread
        thread.start()
        if thread.wait_settled(STARTUP_SECONDS) != "ok":
            raise RuntimeError(f"the engine is {thread.status}, not ready")

    @modal.asgi_app()
    def web(self) -> FastAPI:
        return self.service
