"""An order on its way through the service: the ticket its caller waits on, and the outcome it ends with.

Knows futures; knows no queue, no engine and no HTTP.
"""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from gpu.engine import Failure, Order, Painting, Verdict


@dataclass(frozen=True)
class Outcome:
    """The results of one order, at least one of them a painting, with what the check said of each (None: no check,
    or no picture), and what it took.

    All in seconds. `queued`: waiting for the engine, and for the check. `painting`, `checking`: of the whole batch, as
    a clock shows it. `gpu`: this order's share of the time its batch held the device. `idle`: time of the device that
    is nobody's and that this order was picked to carry, see `meter.py`. `batch_size`: pictures painted together.
    """

    paintings: list[Painting | Failure]
    verdicts: list[Verdict | None]
    queued: float
    painting: float
    checking: float
    gpu: float
    idle: float
    batch_size: int


@dataclass(eq=False)
class Ticket:
    """An order and the future of its outcome. It is settled once, by whoever comes first; cancelling counts."""

    order: Order
    since: float
    future: Future[Outcome] = field(default_factory=Future)

    @property
    def pictures(self) -> int:
        return len(self.order.pieces)

    @property
    def wanted(self) -> bool:
        """Whether its caller still waits."""
        return not self.future.done()

    def answer(self, outcome: Outcome) -> bool:
        """Hand over the outcome; False when it was cancelled or settled before."""
        # The future is never marked as running: so it can be cancelled up to this moment.
        try:
            self.future.set_result(outcome)
        except InvalidStateError:
            return False
        return True

    def fail(self, error: Exception) -> bool:
        """Raise `error` at the caller's; False when it was cancelled or settled before."""
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            return False
        return True
