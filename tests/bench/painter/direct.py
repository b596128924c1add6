"""Measures a painter in its own process: orders straight into the engine thread, no HTTP and no encoding.

Knows the engine thread and, where there is one, the card's memory.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

from gpu.batching.batches import pictures_that_fit
from gpu.batching.engine_thread import EngineThread, Outcome
from gpu.engine import Key, Order, Piece

# A dozen words, as people write them; what is measured does not depend on them.
PROMPT = "a lighthouse at night, waves below, oil on canvas"
_PATIENCE = 300.0


@dataclass(frozen=True)
class Job:
    """What is painted again and again: `batch` pictures in one call, for about `seconds`."""

    width: int
    height: int
    steps: int
    guidance: float
    batch: int
    seconds: float
    kind: Literal["text", "image"] = "text"
    strength: float = 1.0


def measure(thread: EngineThread, job: Job) -> dict[str, Any]:
    """The job's own numbers with `ms` (per picture, median), `first_ms` (of the first call), `queued_ms`,
    `checking_ms`, `images_per_second` (of whole rounds, by the clock), `rounds`, `peak_gib` of the card (None without
    one), and `together`: how many of the batch went into one call.

    An order that fails is an answer too: then there is `failed`, and no figure.
    """
    try:
        first = _paint(thread, job, 0)
        _forget_peak()
        began = time.monotonic()
        outcomes = [_paint(thread, job, 1)]
        while time.monotonic() - began < job.seconds or len(outcomes) < 3:
            outcomes.append(_paint(thread, job, len(outcomes) + 1))
        wall = time.monotonic() - began
    except Exception as error:  # too large for this card, say: the next job may do
        return vars(job) | {"failed": type(error).__name__}
    together = min(job.batch, pictures_that_fit(thread.engine.limits, _key(job)))
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
    pieces = tuple(Piece(PROMPT, seed=number * job.batch + n, start=_start(job)) for n in range(job.batch))
    return thread.submit(Order(_key(job), pieces, caller="bench")).result(_PATIENCE)


def _key(job: Job) -> Key:
    return Key(job.kind, job.width, job.height, job.steps, job.guidance, job.strength)


def _start(job: Job) -> Any:
    if job.kind == "text":
        return None
    from PIL import Image

    return Image.linear_gradient("L").resize((job.width, job.height)).convert("RGB")


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_available() else None


def _forget_peak() -> None:
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()


def peak_memory() -> float | None:
    """GiB of the card that tensors took at most since the last job began, None without a card."""
    cuda = _cuda()
    return cuda.max_memory_allocated() / 2**30 if cuda else None


def device_name() -> str:
    """What torch calls the card, or "cpu"."""
    cuda = _cuda()
    return str(cuda.get_device_name()) if cuda else "cpu"
