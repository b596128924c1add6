"""Measure a service in its own process: requests to the engine thread, without HTTP and encoding."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

from gpu.batching.batch_size import max_batch_size
from gpu.batching.engine_thread import EngineThread, Outcome
from gpu.engine import BatchKey, GenerationRequest, ImageRequest

# About ten words, as users write them. The speed does not depend on them.
PROMPT = "a lighthouse at night, waves below, oil on canvas"
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class Job:
    """A measurement: `batch` images in one call, repeated for about `seconds`."""

    width: int
    height: int
    steps: int
    guidance: float
    batch: int
    seconds: float
    kind: Literal["text", "image"] = "text"
    strength: float = 1.0


def measure(thread: EngineThread, job: Job) -> dict[str, Any]:
    """Return the job's parameters and its results.

    Results: `ms` (per image, median), `first_ms` (of the first call), `queued_ms`, `checking_ms`, `images_per_second`
    (of whole rounds, wall time), `rounds`, `peak_gib` of the GPU (None without one), and `together`: images per call.
    A job that fails returns `failed` instead.
    """
    try:
        first = _paint(thread, job, 0)
        _reset_peak()
        started = time.monotonic()
        outcomes = [_paint(thread, job, 1)]
        while time.monotonic() - started < job.seconds or len(outcomes) < 3:
            outcomes.append(_paint(thread, job, len(outcomes) + 1))
        wall = time.monotonic() - started
    except Exception as error:  # e.g. too large for this GPU: the next job may fit
        return vars(job) | {"failed": type(error).__name__}
    together = min(job.batch, max_batch_size(thread.engine.limits, _key(job)))
    return vars(job) | _figures(first, outcomes, wall, job.batch) | {"together": together}


def _figures(first: Outcome, outcomes: list[Outcome], wall: float, batch: int) -> dict[str, Any]:
    return {
        "ms": statistics.median(outcome.painting for outcome in outcomes) / batch * 1000,
        "first_ms": first.painting * 1000,
        "queued_ms": statistics.median(outcome.queued for outcome in outcomes) * 1000,
        "checking_ms": statistics.median(outcome.checking for outcome in outcomes) / batch * 1000,
        "images_per_second": batch * len(outcomes) / wall,
        "rounds": len(outcomes),
        "peak_gib": peak_memory(),
    }


def _paint(thread: EngineThread, job: Job, number: int) -> Outcome:
    images = tuple(
        ImageRequest(PROMPT, seed=number * job.batch + n, init_image=_init_image(job)) for n in range(job.batch)
    )
    return thread.submit(GenerationRequest(_key(job), images)).result(_TIMEOUT_SECONDS)


def _key(job: Job) -> BatchKey:
    return BatchKey(job.kind, job.width, job.height, job.steps, job.guidance, job.strength)


def _init_image(job: Job) -> Any:
    if job.kind == "text":
        return None
    from PIL import Image

    return Image.linear_gradient("L").resize((job.width, job.height)).convert("RGB")


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_available() else None


def _reset_peak() -> None:
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()


def peak_memory() -> float | None:
    """Return the peak GiB of tensors on the GPU since the last job started; None without a GPU."""
    cuda = _cuda()
    return cuda.max_memory_allocated() / 2**30 if cuda else None


def device_name() -> str:
    """Return torch's name of the GPU, or "cpu"."""
    cuda = _cuda()
    return str(cuda.get_device_name()) if cuda else "cpu"
