"""A batch between painting and answer: whose pictures are whose, and what of the device's time. Knows no thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gpu.batching.meter import Meter, Use
from gpu.batching.tickets import Outcome, Ticket
from gpu.engine import PaintFailed, Painting, Verdict


@dataclass(eq=False)
class Painted:
    """What one batch became: each order with its own paintings. `pictures` were painted, in so many `seconds`; `use` is
    the batch's part of the device's time."""

    orders: list[tuple[Ticket, list[Painting]]]
    pictures: int
    seconds: float
    use: Use

    @property
    def tickets(self) -> list[Ticket]:
        return [ticket for ticket, _ in self.orders]


def fail(tickets: Sequence[Ticket], error: Exception) -> None:
    for ticket in tickets:
        ticket.fail(error)


def shared_out(batch: list[Ticket], paintings: list[Painting | None]) -> list[tuple[Ticket, list[Painting]]]:
    """Each order with its own paintings; one with a picture that did not fit into memory fails here."""
    rest, orders = iter(paintings), []
    for ticket in batch:
        own = list(islice(rest, ticket.pictures))
        whole = [painting for painting in own if painting is not None]
        if len(whole) == len(own):
            orders.append((ticket, whole))
        else:
            ticket.fail(PaintFailed("the picture does not fit into memory"))
    return orders


def answer(painted: Painted, verdicts: list[list[Verdict]] | None, checking: float, meter: Meter) -> None:
    """Settle a batch: each order gets its share of the device, and one of them what was nobody's before."""
    share = painted.use.seconds / painted.pictures
    meter.give_back(share * (painted.pictures - sum(ticket.pictures for ticket in painted.tickets)))
    began = time.monotonic() - painted.seconds - checking
    for number, (ticket, own) in enumerate(painted.orders):
        gpu, idle = share * len(own), meter.take_idle()
        outcome = Outcome(
            paintings=own,
            verdicts=[None] * len(own) if verdicts is None else [*verdicts[number]],
            queued=max(0.0, began - ticket.since),
            painting=painted.seconds,
            checking=checking,
            gpu=gpu,
            idle=idle,
            batch_size=painted.pictures,
        )
        if not ticket.answer(outcome):
            meter.give_back(gpu + idle)
