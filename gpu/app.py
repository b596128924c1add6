"""The same service on Modal: image, weights, secret, autoscaling. The only file that imports modal.

    modal secret create threadpaint-gpu GPU_TOKEN=...     once
    make deploy-gpu                                       price, weights, deployment; prints the address for GPU_URL
    modal run -m gpu.app --prompt "a lighthouse"          one picture, and its times

The environment decides the model, the GPU type and the schedule (`gpu/deploy/settings.py`).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import modal
import modal.experimental
from fastapi import FastAPI

from gpu.deploy.settings import WEIGHTS, AutoscalerPolicy, load_deployment
from gpu.factory import make_app
from gpu.settings import ServiceSettings
from gpu.smoke_test import SmokeTestFailed, run_smoke_test

APP_NAME = "threadpaint-gpu"
# One batch in work and one waiting keep a GPU busy. More requests need another GPU.
TARGET_INPUTS = 16
# Below the service's own queue limit, so that excess requests wait at Modal instead of getting 429.
MAX_INPUTS = 48
# The largest preset reads 30 GB from a Volume and warms up at each batch size.
STARTUP_SECONDS = 900
# As long as the worker waits (its GPU_TIMEOUT_SECONDS). A full queue of the slowest preset is two minutes of work, and
# Modal ends requests that take longer than this.
TIMEOUT_SECONDS = 300
# Of the 30 s that Modal gives a container before it ends it.
DRAIN_SECONDS = 20
DOWNLOAD_TIMEOUT_SECONDS = 3600

# The versions of constraints.txt, which the tests use.
PACKAGES = (
    "accelerate==1.15.0",
    "diffusers==0.42.1",
    "fastapi==0.163.2",
    "ftfy==6.3.1",
    "hf-xet==1.8.0",
    "httpx==0.28.1",
    "huggingface_hub==2.4.0",
    "numpy==2.4.6",
    "pi-heif==1.4.0",
    "pillow==13.0.0",
    "prometheus_client==0.26.0",
    "pybase64==1.5.1",
    "pydantic==2.14.3",
    "pydantic-settings==2.16.3",
    "safetensors==0.8.0",
    "starlette==1.10.0",
    "tokenizers==0.23.3",
    "torch==2.13.0",
    "transformers==5.23.0",
    "tzdata==2026.6",
)

log = logging.getLogger("gpu")

DEPLOYMENT = load_deployment()
# A deployment resets the autoscaler to these values. Start with the policy of this hour; cron does the rest.
POLICY = DEPLOYMENT.settings.policy_at(datetime.now(UTC))

# A snapshot cannot contain compiler processes.
SNAPSHOT_ENVIRONMENT = {"TORCHINDUCTOR_COMPILE_THREADS": "1"} if DEPLOYMENT.settings.snapshot == "gpu" else {}

image = (
    modal.Image.debian_slim(python_version="3.11")
    # torch.compile needs a compiler for its kernels' launchers.
    .apt_install("g++")
    .uv_pip_install(*PACKAGES)
    .env({"HF_HUB_CACHE": WEIGHTS, "HF_XET_HIGH_PERFORMANCE": "1"})
    .add_local_python_source("gpu", "core.image_reader")
)
weights = modal.Volume.from_name("threadpaint-weights", create_if_missing=True)
secret = modal.Secret.from_name("threadpaint-gpu", required_keys=["GPU_TOKEN"])
app = modal.App(APP_NAME)


@app.cls(
    image=image,
    gpu=DEPLOYMENT.gpu_type,
    cpu=(DEPLOYMENT.settings.cores, DEPLOYMENT.settings.cores),
    memory=(DEPLOYMENT.gib * 1024, DEPLOYMENT.gib * 1024),
    # Read-only and offline: a start never waits for a download, and missing weights are an error at once.
    env={**DEPLOYMENT.environment, "HF_HUB_OFFLINE": "1", **SNAPSHOT_ENVIRONMENT},
    volumes={WEIGHTS: weights.with_mount_options(read_only=True)},
    secrets=[secret],
    min_containers=POLICY.min_containers,
    max_containers=POLICY.max_containers,
    buffer_containers=POLICY.buffer_containers,
    scaledown_window=POLICY.scaledown_window,
    startup_timeout=STARTUP_SECONDS,
    timeout=TIMEOUT_SECONDS,
    enable_memory_snapshot=DEPLOYMENT.settings.snapshot != "off",
    experimental_options={"enable_gpu_snapshot": True} if DEPLOYMENT.settings.snapshot == "gpu" else None,
)
@modal.concurrent(max_inputs=MAX_INPUTS, target_inputs=TARGET_INPUTS)
class Gpu:
    """One container with one engine and one GPU for many callers."""

    @modal.enter(snap=DEPLOYMENT.settings.snapshot != "off")
    def prepare(self) -> None:
        """Fill the snapshot: with the loaded model, or, if it has no GPU memory, with the libraries."""
        if DEPLOYMENT.settings.snapshot == "gpu":
            self._serve()
        elif DEPLOYMENT.settings.snapshot == "memory":
            # These parts, because the packages import lazily.
            from diffusers import AutoPipelineForImage2Image, AutoPipelineForText2Image  # noqa: F401
            from diffusers.pipelines.stable_diffusion import safety_checker  # noqa: F401

    @modal.enter()
    def load(self) -> None:
        """Load before the container counts as ready, so that requests wait at Modal instead of getting 503."""
        if not hasattr(self, "service"):
            self._serve()
        elif DEPLOYMENT.settings.snapshot == "gpu":
            # The time since the snapshot was taken is not billed.
            self.service.state.engine_thread.meter.begin_life()

    def _serve(self) -> None:
        logging.basicConfig(level=logging.INFO)
        policy = DEPLOYMENT.settings.policy_at(datetime.now(UTC))
        self.service = make_app(ServiceSettings(scaledown_seconds=policy.scaledown_window))
        thread = self.service.state.engine_thread
        thread.start()
        if (status := thread.wait_settled(STARTUP_SECONDS)) != "ok":
            raise RuntimeError(f"{thread.reason or status} (download weights: modal run -m gpu.app::fetch_weights)")
        # Only from here on: Modal does not count a container that fails to start.
        thread.on_broken = _retire

    @modal.asgi_app(requires_proxy_auth=True)
    def web(self) -> FastAPI:
        return self.service

    @modal.method()
    async def paint(self, body: str) -> tuple[int, str]:
        """Send one request to the service's own route, for callers with Modal's keys but without a proxy token."""
        headers = {"Authorization": f"Bearer {os.environ['GPU_TOKEN']}"}
        transport = httpx.ASGITransport(app=self.service)
        async with httpx.AsyncClient(transport=transport, base_url="http://gpu", timeout=TIMEOUT_SECONDS) as client:
            response = await client.post("/v1/paint", content=body, headers=headers)
        return response.status_code, response.text

    @modal.exit()
    def drain(self) -> None:
        """Finish the batch in work. Modal gives waiting requests to another container."""
        self.service.state.engine_thread.stop(timeout=DRAIN_SECONDS)


def _retire() -> None:
    """Take no more requests after a GPU fault, so that Modal replaces this container."""
    if not modal.is_local():
        modal.experimental.stop_fetching_inputs()


@app.function(
    image=image,
    env=dict(DEPLOYMENT.environment),
    schedule=modal.Cron("1 * * * *", timezone=DEPLOYMENT.settings.timezone),
    retries=3,
)
def apply_policy() -> None:
    """Set the autoscaler to the policy of this hour.

    It runs every hour, so a lost call or a skipped hour is repaired an hour later, and a manual change lasts no longer.
    """
    set_policy(DEPLOYMENT.settings.policy_at(datetime.now(UTC)))


def set_policy(policy: AutoscalerPolicy) -> None:
    """Send a policy to the autoscaler of the deployed class. Raises modal's errors."""
    # Through a method: in Modal 1.6 instances have no autoscaler of their own, and all methods of a class share one.
    modal.Cls.from_name(APP_NAME, "Gpu")().web.autoscaler.update(
        min_containers=policy.min_containers,
        max_containers=policy.max_containers,
        buffer_containers=policy.buffer_containers,
        scaledown_window=policy.scaledown_window,
    )
    log.info("policy=%s min=%d max=%d", policy.name, policy.min_containers, policy.max_containers)


@app.function(
    image=image,
    cpu=(DEPLOYMENT.settings.cores, DEPLOYMENT.settings.cores),
    # Without a GPU both the file cache and the loaded model are in memory.
    memory=(DEPLOYMENT.gib * 1024, DEPLOYMENT.gib * 2048),
    env=dict(DEPLOYMENT.environment),
    volumes={WEIGHTS: weights},
    secrets=[secret],
    max_containers=1,
    timeout=DOWNLOAD_TIMEOUT_SECONDS,
    retries=2,
)
def fetch_weights() -> None:
    """Download the weights of the model and its safety check into the Volume."""
    # In its own process: the Volume cannot commit files that are still mapped into memory.
    here = {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-m", "gpu.download_weights"], env=os.environ | here, check=True)
    weights.commit()


@app.local_entrypoint()
def main(prompt: str = "a lighthouse at night", seed: int = 1, out: str = "painted") -> None:
    """Generate one prompt twice, from a cold start and warm, and write the picture."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")

    try:
        say(f"written to {run_smoke_test(Gpu().paint.remote, say, prompt=prompt, seed=seed, out=Path(out))}")
    except SmokeTestFailed as error:
        sys.exit(str(error))
