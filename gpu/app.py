"""The same service on Modal: image, weights, secret, autoscaling. Knows Modal; everything else is in `engines.py`.

    modal secret create threadpaint-gpu GPU_TOKEN=...     once
    make deploy-gpu                                       price, weights, deployment; prints the address for GPU_URL
    modal run -m gpu.app --prompt "a lighthouse"          one picture, and what it took

What is rented and painted with comes from the environment (`cost/deployment.py`). The only file that imports modal.
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

from gpu.cost.deployment import WEIGHTS, read_deployment
from gpu.cost.policy import Policy
from gpu.engines import make_app
from gpu.settings import GpuSettings
from gpu.trial import TrialFailed, try_out

APP_NAME = "threadpaint-gpu"
# One batch being painted and one waiting keep a card busy; more than that wants another card.
TARGET_INPUTS = 16
# Fewer than the service's own queue takes: what is too much for all containers waits at Modal, and nobody gets 429.
MAX_INPUTS = 48
# The largest preset reads 30 GB from a Volume and warms up at each size of batch.
STARTUP_SECONDS = 900
# As long as the worker waits (its GPU_TIMEOUT_SECONDS). A full house of one-picture orders of the slowest preset on its
# card is two minutes of work, and Modal ends what takes longer than this, painted or not.
TIMEOUT_SECONDS = 300
# Of the 30 s that Modal gives a container it takes away.
DRAIN_SECONDS = 20
FETCH_SECONDS = 3600

# The versions of constraints.txt: what is tested is what is rented.
PACKAGES = (
    "accelerate==1.15.0",
    "diffusers==0.42.1",
    "fastapi==0.163.2",
    "hf-xet==1.8.0",
    "httpx==0.28.1",
    "huggingface_hub==2.4.0",
    "numpy==2.4.6",
    "pi-heif==1.4.0",
    "pillow==13.0.0",
    "prometheus_client==0.26.0",
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

DEPLOYMENT = read_deployment()
# A deployment sets the autoscaler back to what stands here: so it stands as this hour wants it, and cron goes on.
NOW = DEPLOYMENT.plan.at(datetime.now(UTC))

# The processes that compile cannot be part of a snapshot.
SNAPSHOT_ENVIRONMENT = {"TORCHINDUCTOR_COMPILE_THREADS": "1"} if DEPLOYMENT.snapshot == "gpu" else {}

image = (
    modal.Image.debian_slim(python_version="3.11")
    # torch.compile builds its kernels' launchers with the compiler it finds.
    .apt_install("g++")
    .uv_pip_install(*PACKAGES)
    .env({"HF_HUB_CACHE": WEIGHTS, "HF_XET_HIGH_PERFORMANCE": "1"})
    .add_local_python_source("gpu")
)
weights = modal.Volume.from_name("threadpaint-weights", create_if_missing=True)
secret = modal.Secret.from_name("threadpaint-gpu", required_keys=["GPU_TOKEN"])
app = modal.App(APP_NAME)


@app.cls(
    image=image,
    gpu=DEPLOYMENT.card,
    cpu=(DEPLOYMENT.cores, DEPLOYMENT.cores),
    memory=(DEPLOYMENT.gib * 1024, DEPLOYMENT.gib * 1024),
    # Read only and offline: a start never waits for a download, and what is missing is said at once.
    env={**DEPLOYMENT.environment, "HF_HUB_OFFLINE": "1", **SNAPSHOT_ENVIRONMENT},
    volumes={WEIGHTS: weights.with_mount_options(read_only=True)},
    secrets=[secret],
    min_containers=NOW.min_containers,
    max_containers=NOW.max_containers,
    buffer_containers=NOW.buffer_containers,
    scaledown_window=NOW.scaledown_window,
    startup_timeout=STARTUP_SECONDS,
    timeout=TIMEOUT_SECONDS,
    enable_memory_snapshot=DEPLOYMENT.snapshot != "off",
    experimental_options={"enable_gpu_snapshot": True} if DEPLOYMENT.snapshot == "gpu" else None,
)
@modal.concurrent(max_inputs=MAX_INPUTS, target_inputs=TARGET_INPUTS)
class Gpu:
    """One container: one engine, one card, many callers."""

    @modal.enter(snap=DEPLOYMENT.snapshot != "off")
    def prepare(self) -> None:
        """What a snapshot holds: the loaded model, or, where it cannot hold the card's memory, the libraries."""
        if DEPLOYMENT.snapshot == "gpu":
            self._serve()
        elif DEPLOYMENT.snapshot == "memory":
            # By their parts: the packages themselves load nothing before they are asked for something.
            from diffusers import AutoPipelineForImage2Image, AutoPipelineForText2Image  # noqa: F401
            from diffusers.pipelines.stable_diffusion import safety_checker  # noqa: F401

    @modal.enter()
    def load(self) -> None:
        """Load before the container counts as ready, so that requests wait at Modal instead of getting 503."""
        if not hasattr(self, "service"):
            self._serve()
        elif DEPLOYMENT.snapshot == "gpu":
            # Nobody paid for the time since the snapshot was taken.
            self.service.state.engine_thread.meter.begin_life()

    def _serve(self) -> None:
        logging.basicConfig(level=logging.INFO)
        keeps = DEPLOYMENT.plan.at(datetime.now(UTC)).scaledown_window
        self.service = make_app(GpuSettings(keeps_seconds=keeps))
        thread = self.service.state.engine_thread
        thread.start()
        if (status := thread.wait_settled(STARTUP_SECONDS)) != "ok":
            raise RuntimeError(f"{thread.reason or status} (weights come by: modal run -m gpu.app::fetch_weights)")
        # From here on only: a container that does not even start is no container to Modal.
        thread.on_broken = _leave

    @modal.asgi_app(requires_proxy_auth=True)
    def web(self) -> FastAPI:
        return self.service

    @modal.method()
    async def paint(self, body: str) -> tuple[int, str]:
        """One order by the door that everybody uses, for who has Modal's keys and not the proxy's."""
        headers = {"Authorization": f"Bearer {os.environ['GPU_TOKEN']}"}
        transport = httpx.ASGITransport(app=self.service)
        async with httpx.AsyncClient(transport=transport, base_url="http://gpu", timeout=TIMEOUT_SECONDS) as client:
            answer = await client.post("/v1/paint", content=body, headers=headers)
        return answer.status_code, answer.text

    @modal.exit()
    def drain(self) -> None:
        """Let the batch in hand be finished; Modal gives what waits to another container."""
        self.service.state.engine_thread.stop(timeout=DRAIN_SECONDS)


def _leave() -> None:
    """After a fault of the card: no more orders for this container, so that Modal replaces it."""
    if not modal.is_local():
        modal.experimental.stop_fetching_inputs()


@app.function(
    image=image,
    env=dict(DEPLOYMENT.environment),
    schedule=modal.Cron("1 * * * *", timezone=DEPLOYMENT.plan.timezone),
    retries=3,
)
def keep_policy() -> None:
    """Set the autoscaler as the hour wants it. Every hour: a call that was lost, or an hour that the clocks skipped,
    is made good an hour later, and a change by hand lasts no longer than that."""
    set_policy(DEPLOYMENT.plan.at(datetime.now(UTC)))


def set_policy(policy: Policy) -> None:
    """Hand a policy to the autoscaler of the deployed class. Raises modal's errors."""
    # By the name of a method, since instances of a class have no autoscaler of their own in Modal 1.6; all methods of
    # a class share one.
    modal.Cls.from_name(APP_NAME, "Gpu")().web.autoscaler.update(
        min_containers=policy.min_containers,
        max_containers=policy.max_containers,
        buffer_containers=policy.buffer_containers,
        scaledown_window=policy.scaledown_window,
    )
    log.info("policy=%s min=%d max=%d", policy.name, policy.min_containers, policy.max_containers)


@app.function(
    image=image,
    cpu=(DEPLOYMENT.cores, DEPLOYMENT.cores),
    # Without a card both what is read and what is loaded lie in memory.
    memory=(DEPLOYMENT.gib * 1024, DEPLOYMENT.gib * 2048),
    env=dict(DEPLOYMENT.environment),
    volumes={WEIGHTS: weights},
    secrets=[secret],
    max_containers=1,
    timeout=FETCH_SECONDS,
    retries=2,
)
def fetch_weights() -> None:
    """Fill the Volume with what the model and its safety check need."""
    # A process of its own: the Volume cannot take over what came while its files are still mapped into memory.
    here = {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-m", "gpu.fetching"], env=os.environ | here, check=True)
    weights.commit()


@app.local_entrypoint()
def main(prompt: str = "a lighthouse at night", seed: int = 1, out: str = "painted") -> None:
    """Paint one prompt twice, from a cold start and warm, and write the picture."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")

    try:
        say(f"written to {try_out(Gpu().paint.remote, say, prompt=prompt, seed=seed, out=Path(out))}")
    except TrialFailed as error:
        sys.exit(str(error))
