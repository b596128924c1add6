"""A request on its way through the service, and the outcome that its caller waits for."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from gpu.engine import GenerationRequest, Result, SafetyResult


@dataclass(frozen=True)
class Outcome:
    """The results of one request, and their cost in time. At least one result is an image.

    A safety result is None if there was no check or no image. All times are in seconds:

    queued: waiting for the engine, and for the safety check.
    painting, checking: wall-clock time of the whole batch.
    gpu: this request's share of the time for which its batch used the device.
    idle: device time that no request used, charged to this one; see `usage_meter.py`.
    batch_size: images generated together.
    """

    results: list[Result]
    safety_results: list[SafetyResult | None]
    queued: float
    painting: float
    checking: float
    gpu: float
    idle: float
    batch_size: int


@dataclass(eq=False)
class PendingRequest:
    """A request and the future of its outcome. It is settled once; cancelling counts."""

    request: GenerationRequest
    queued_at: float
    future: Future[Outcome] = field(default_factory=Future)

    @property
    def image_count(self) -> int:
        return len(self.request.images)

    @property
    def is_waiting(self) -> bool:
        """Return whether the caller still waits."""
        return not self.future.done()

    def resolve(self, outcome: Outcome) -> bool:
        """Deliver the outcome. Return False if the request was cancelled or settled before."""
        # The future is never marked as running, so the caller can cancel it up to this moment.
        try:
            self.future.set_result(outcome)
        except InvalidStateError:
            return False
        return True

    def fail(self, error: Exception) -> bool:
        """Deliver an error. Return False if the request was cancelled or settled before."""
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            return False
        return True
