"""Sends a prompt to a painter and gets pictures. Knows several painters, and leaves one that failed alone for a while.

    for each painter, the preferred one first | does it rest? | call | not within its bounds: as it can, once | read

Never two at once for one order. A painter that is away costs the creation no try; one that fails may have met a
prompt that breaks it, so that counts. What takes longer than the deadline is TryLater, and the creation's own schedule
tries again: painting is safe to repeat. Knows no row.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass, field

from core.errors import Refused, TryLater
from core.logs import get_logger
from core.painters import Painters, shown
from core.settings import GpuSettings
from worker.painter.call import Call
from worker.painter.faults import Fault, Reply, fault_of_reply
from worker.painter.orders import Order, Painted, Painting, body_of, read_painting, reasons_of, within

__all__ = ["GpuClient", "Order", "Painted", "Painting", "open_gpu"]

log = get_logger(__name__)

# Modal answers after 150 s at the latest, if only to say that it goes on.
PATIENCE = 170.0
LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class GpuClient:
    """The painters of this house. Holds nothing open; connects in `paint` only.

    urls: base addresses, the preferred one first. headers: what every one of them gets with every call.
    timeout: seconds for all of it, over all painters. painters: what all workers know of them.
    """

    urls: tuple[str, ...]
    token: str = field(default="", repr=False)
    timeout: float = 300.0
    painters: Painters = field(default_factory=lambda: Painters(None))
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def paint(self, order: Order) -> Painting:
        """Paint an order.

        Raises TryLater (the codes of `painter/faults.py`, and `gpu_resting` where all painters are left alone), and
        Refused (`unpaintable`) when a painter says that it cannot paint this, ever.
        """
        until = time.monotonic() + self.timeout
        faults: list[Fault] = []
        for number, url in enumerate(self.urls):
            # With no time left it would seem slow that was never asked.
            if (faults and until - time.monotonic() < LEAST_SECONDS) or self.painters.may_call(url) > 0:
                continue
            try:
                painting = self._paint_at(url, order, until, others=len(self.urls) - number - 1)
            except Fault as fault:
                faults.append(fault)
                self._tell(url, order, fault)
                continue
            except Refused:
                self.painters.worked(url)
                raise
            self.painters.worked(url)
            return painting
        raise self._why_not(faults)

    def _paint_at(self, url: str, order: Order, until: float, *, others: int) -> Painting:
        """At one painter. Where others are left, it gets its share of the time to say anything at all."""
        reply = self._call(url, order, until, others)
        changed = within(order, reasons_of(reply.content)) if reply.status == 422 else None
        if changed is not None:
            reply = self._call(url, changed, until, others)
        if reply.status == 422:
            raise Refused("unpaintable", _words(reply))
        if reply.status == 413:
            raise Refused("unpaintable", "its start picture is too large for the painter")
        if reply.status != 200:
            raise fault_of_reply(reply)
        return read_painting(reply.content, order)

    def _call(self, url: str, order: Order, until: float, others: int) -> Reply:
        left = until - time.monotonic()
        patience = max(PATIENCE, left / (others + 1)) if others else left
        return Call(url, body_of(order), self._headers(order), until, patience).make()

    def _headers(self, order: Order) -> dict[str, str]:
        headers = dict(self.headers)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if order.person_id is not None:
            # The painter is fair between people without knowing who they are.
            key, who = (self.token or "threadpaint").encode(), str(order.person_id).encode()
            headers["X-Caller"] = hmac.new(key, who, hashlib.sha256).hexdigest()[:16]
        return headers

    def _tell(self, url: str, order: Order, fault: Fault) -> None:
        """Let the other workers know."""
        log.warning("painter failed", painter=shown(url), reason=f"{fault.code}: {fault.detail}")
        if fault.doubtful:
            self.painters.doubted(url, str(order.creation_id), code=fault.code, detail=fault.detail)
        else:
            self.painters.failed(url, code=fault.code, detail=fault.detail, after=fault.after)

    def _why_not(self, faults: list[Fault]) -> TryLater:
        """The failure that counts, else the preferred painter's; and when it is worth another try."""
        after = min(self.painters.rests_for(url) for url in self.urls)
        fault = next((fault for fault in faults if fault.doubtful), faults[0] if faults else None)
        if after > 0:
            self.painters.close(after, fault.code if fault else "")
        if fault is None:
            return TryLater("gpu_resting", "every painter is left alone for a while", after=after, counted=False)
        return fault.later(after=after)


def open_gpu(settings: GpuSettings, painters: Painters) -> GpuClient:
    """A client of the configured painters."""
    token, headers = settings.gpu_token.get_secret_value(), tuple(settings.modal_headers.items())
    return GpuClient(settings.urls, token, settings.gpu_timeout_seconds, painters, headers)


def _words(reply: Reply) -> str:
    """`steps: must be between 1 and 8`: what the painter says in its words, and never a novel."""
    reasons = [f"{field}: {reason}" for field, reason in reasons_of(reply.content)]
    return "; ".join(reasons) or f"status {reply.status}"
