"""A batch between painting and answer: whose pictures are whose, and what of the device's time. Knows no thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gpu.batching.meter import Meter, Use
from gpu.batching.tickets import Outcome, Ticket
from gpu.engine import Failure, PaintFailed, Painting, Verdict

Verdicts = list[Verdict | None]


@dataclass(eq=False)
class Painted:
    """What one batch became: each order with its own results. `pictures` were tried, in so many `seconds`; `use` is
    the batch's part of the device's time."""

    orders: list[tuple[Ticket, list[Painting | Failure]]]
    pictures: int
    seconds: float
    use: Use

    @property
    def tickets(self) -> list[Ticket]:
        return [ticket for ticket, _ in self.orders]


def fail(tickets: Sequence[Ticket], error: Exception) -> None:
    for ticket in tickets:
        ticket.fail(error)


def shared_out(
    batch: list[Ticket], results: Sequence[Painting | Failure]
) -> list[tuple[Ticket, list[Painting | Failure]]]:
    """Each order with its own results."""
    rest = iter(results)
    return [(ticket, list(islice(rest, ticket.pictures))) for ticket in batch]


def answer(painted: Painted, verdicts: list[Verdicts] | None, checking: float, meter: Meter) -> None:
    """Settle a batch. Each order gets its share of the device, and one of them what was nobody's before.

    An order with at least one picture is answered, with the failures among its results; one without any fails.
    """
    share = painted.use.seconds / painted.pictures
    given: list[Verdicts] = verdicts if verdicts is not None else [[None for _ in own] for _, own in painted.orders]
    each = zip(painted.orders, given, strict=True)
    whole = [(ticket, results, judged) for (ticket, results), judged in each if _pictures(results)]
    for ticket, own in painted.orders:
        if not _pictures(own):
            ticket.fail(PaintFailed(_reasons(own), only_this=bool(whole)))
    meter.give_back(share * (painted.pictures - sum(ticket.pictures for ticket, _, _ in whole)))
    began = time.monotonic() - painted.seconds - checking
    for ticket, results, judged in whole:
        gpu, idle = share * len(results), meter.take_idle()
        outcome = Outcome(
            paintings=results,
            verdicts=judged,
            queued=max(0.0, began - ticket.since),
            painting=painted.seconds,
            checking=checking,
            gpu=gpu,
            idle=idle,
            batch_size=painted.pictures,
        )
        if not ticket.answer(outcome):
            meter.give_back(gpu + idle)


def _pictures(results: Sequence[Painting | Failure]) -> int:
    return sum(isinstance(result, Painting) for result in results)


def _reasons(results: Sequence[Painting | Failure]) -> str:
    return ", ".join(sorted({result.reason for result in results if isinstance(result, Failure)}))
