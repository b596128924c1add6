"""Deliver the results of a batch to its requests, each with its share of the device time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gpu.batching.pending_request import Outcome, PendingRequest
from gpu.batching.usage_meter import DeviceTime, UsageMeter
from gpu.engine import Failure, GeneratedImage, GenerationFailed, Result, SafetyResult

SafetyResults = list[SafetyResult | None]


@dataclass(eq=False)
class BatchResult:
    """Each request of a batch with its own results.

    `image_count` images were tried in `seconds` of wall-clock time; `device_time` is the batch's part of the device.
    """

    requests: list[tuple[PendingRequest, list[Result]]]
    image_count: int
    seconds: float
    device_time: DeviceTime

    @property
    def pending(self) -> list[PendingRequest]:
        return [pending for pending, _ in self.requests]


def fail_all(requests: Sequence[PendingRequest], error: Exception) -> None:
    for pending in requests:
        pending.fail(error)


def split_by_request(
    batch: list[PendingRequest], results: Sequence[Result]
) -> list[tuple[PendingRequest, list[Result]]]:
    """Return each request with its own results."""
    rest = iter(results)
    return [(pending, list(islice(rest, pending.image_count))) for pending in batch]


def deliver(
    batch: BatchResult, safety_results: list[SafetyResults] | None, checking_seconds: float, meter: UsageMeter
) -> None:
    """Settle the requests of a batch.

    A request with at least one image gets all its results, failures included; a request without any fails. One
    request carries the idle time.
    """
    checks = safety_results or [[None] * len(results) for _, results in batch.requests]
    rows = [(pending, results, row) for (pending, results), row in zip(batch.requests, checks, strict=True)]
    answered = [row for row in rows if _image_count(row[1])]
    for pending, results in batch.requests:
        if not _image_count(results):
            pending.fail(GenerationFailed(_reasons(results), only_this=bool(answered)))
    share = batch.device_time.seconds / batch.image_count
    meter.refund(share * (batch.image_count - sum(pending.image_count for pending, _, _ in answered)))
    started_at = time.monotonic() - batch.seconds - checking_seconds
    for pending, results, checked in answered:
        outcome = Outcome(
            results=results,
            safety_results=checked,
            queued=max(0.0, started_at - pending.queued_at),
            painting=batch.seconds,
            checking=checking_seconds,
            gpu=share * len(results),
            idle=meter.take_idle(),
            batch_size=batch.image_count,
        )
        if not pending.resolve(outcome):
            meter.refund(outcome.gpu + outcome.idle)


def _image_count(results: Sequence[Result]) -> int:
    return sum(isinstance(result, GeneratedImage) for result in results)


def _reasons(results: Sequence[Result]) -> str:
    return ", ".join(sorted({result.reason for result in results if isinstance(result, Failure)}))
