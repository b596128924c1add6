"""Sends a prompt to a painter and gets pictures. Knows several painters, and leaves one that failed alone for a while.

    for each painter, the preferred one first | does it rest? | in doubt: how is it? | call | not within its bounds: as
    it can, once | read

Never two at once for one order. A painter that is away costs the creation no try; one that fails may have met a
prompt that breaks it, so that counts; whether a refusal counts is decided in `painter/refusals.py`. What one cannot
paint may be what another can: a refusal is final where all have refused. What takes longer than the deadline is
TryLater, and the creation's own schedule tries again: painting is safe to repeat. Knows no row.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.errors import Refused, TryLater
from core.logs import get_logger
from core.painters import Painters, shown
from core.settings import GpuSettings
from worker.painter.call import Call
from worker.painter.faults import UNCHECKED, Fault, Reply, fault_of_reply
from worker.painter.orders import Order, Painted, Painting, body_of, read_painting, reasons_of, within
from worker.painter.refusals import judged

__all__ = ["GpuClient", "Order", "Painted", "Painting", "open_gpu"]

log = get_logger(__name__)

# Modal answers after 150 s at the latest, if only to say that it goes on.
PATIENCE = 170.0
LEAST_SECONDS = 2.0
# A painter of unchecked pictures is set up so: to find out whether it still is costs a picture each time.
UNCHECKED_PAUSE = 3600.0
NO_VERDICT = (
    "its pictures come without a safety verdict: set GPU_SAFETY=flag on the service, or GPU_UNCHECKED=publish here"
)


@dataclass(frozen=True)
class GpuClient:
    """The painters of this house. Holds nothing open; connects in `paint` only.

    urls: base addresses, the preferred one first. token: what each is told; headers: what a painter gets in its place.
    timeout: seconds for all of it, over all painters. painters: what all workers know of them. publishes_unchecked:
    pictures without a safety verdict are published, too (GPU_UNCHECKED).
    """

    urls: tuple[str, ...]
    token: str = field(default="", repr=False)
    timeout: float = 300.0
    painters: Painters = field(default_factory=lambda: Painters(None))
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    publishes_unchecked: bool = False

    def publishable(self, painting: Painting) -> list[Painted]:
        """The pictures that are there and that a safety check gave a verdict on, as far as this instance wants one.

        Raises TryLater("gpu_unchecked") if none has a verdict: then the painter is left alone for an hour, since it
        would paint the next ones for nothing, and the creation waits without losing a try.
        """
        there = [one for one in painting.pictures if one.image is not None]
        if not painting.is_unchecked:
            return there
        if self.publishes_unchecked:
            self.painters.published_unchecked(painting.url)
            return there
        log.warning("unchecked pictures are not published", painter=shown(painting.url))
        if checked := [one for one in there if one.checked]:
            return checked
        fault = Fault(UNCHECKED, NO_VERDICT)
        self.painters.failed(painting.url, code=fault.code, detail=fault.detail, after=UNCHECKED_PAUSE)
        raise self._why_not([fault], {})

    def paint(self, order: Order) -> Painting:
        """Paint an order.

        Raises TryLater (the codes of `painter/faults.py`, and `gpu_resting` where all painters are left alone), and
        Refused (`unpaintable`) when a painter says that it cannot paint this, ever.
        """
        until = time.monotonic() + self.timeout
        faults: list[Fault] = []
        refusals: dict[str, Refused] = {}
        for number, url in enumerate(self.urls):
            # With no time left it would seem slow that was never asked.
            if (faults and until - time.monotonic() < LEAST_SECONDS) or self.painters.may_call(url) > 0:
                continue
            try:
                painting = self._paint_at(url, order, until, others=len(self.urls) - number - 1)
            except Fault as fault:
                faults.append(self._judged(url, order, fault, until))
                continue
            except Refused as refusal:
                self.painters.worked(url, str(order.creation_id))
                refusals[url] = refusal
                continue
            self.painters.worked(url, str(order.creation_id))
            return painting
        raise self._why_not(faults, refusals)

    def _paint_at(self, url: str, order: Order, until: float, *, others: int) -> Painting:
        """At one painter. Where others are left, it gets its share of the time to say anything at all."""
        began = time.monotonic()
        call = self._call(url, order, until, others)
        if self.painters.in_doubt(url):
            call.look()
        reply = call.make()
        changed = within(order, reasons_of(reply.content)) if reply.status == 422 else None
        if changed is not None:
            reply = self._call(url, changed, until, others).make()
        if reply.status == 422 and not reply.is_page:
            raise Refused("unpaintable", _words(reply))
        if reply.status == 413 and order.start:
            raise Refused("unpaintable", "its start picture is too large for the painter")
        if reply.status != 200 or reply.is_page:
            raise fault_of_reply(reply)
        painting = read_painting(reply.content, order, asked=changed or order, within=time.monotonic() - began, url=url)
        if painting.senseless:
            log.warning("a painter's account makes no sense", painter=shown(url), fields=list(painting.senseless))
        if failed := {str(one.seed): one.error for one in painting.pictures if one.error}:
            log.warning("pictures did not come out", painter=shown(url), creation=order.creation_id, seeds=failed)
        return painting

    def _call(self, url: str, order: Order, until: float, others: int) -> Call:
        left = until - time.monotonic()
        patience = max(PATIENCE, left / (others + 1)) if others else left
        return Call(url, body_of(order), self._headers(url, order), until, patience)

    def _headers(self, url: str, order: Order) -> dict[str, str]:
        common = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = dict(self.headers.get(url, common))
        if order.person_id is not None:
            # The painter is fair between people without knowing who they are.
            key, who = headers.get("Authorization", "threadpaint").encode(), str(order.person_id).encode()
            headers["X-Caller"] = hmac.new(key, who, hashlib.sha256).hexdigest()[:16]
        return headers

    def _judged(self, url: str, order: Order, fault: Fault, until: float) -> Fault:
        """Let the other workers know; return what the fault means for the order."""
        who = str(order.creation_id)
        if fault.refusal:
            fault = judged(fault, self._call(url, order, until, 0), who, self.painters)
        elif fault.only_this:
            self.painters.worked(url)
        elif fault.doubtful:
            self.painters.doubted(url, who, code=fault.code, detail=fault.detail)
        else:
            self.painters.failed(url, code=fault.code, detail=fault.detail, after=fault.after)
        log.warning("painter failed", painter=shown(url), reason=f"{fault.code}: {fault.detail}")
        return fault

    def _why_not(self, faults: list[Fault], refusals: Mapping[str, Refused]) -> TryLater | Refused:
        """Refused where all have refused, else the failure that counts, else the preferred painter's; and when it is
        worth another try."""
        if len(refusals) == len(self.urls):
            return next(iter(refusals.values()))
        # Who refused does not do so the less for waiting: the others may paint it once they are back.
        after = min(self.painters.rests_for(url) for url in self.urls if url not in refusals)
        fault = next((fault for fault in faults if fault.doubtful), faults[0] if faults else None)
        if after > 0 and not refusals:
            self.painters.close(after, fault.code if fault else "")
        if fault is None:
            others = f"; the others cannot paint it ({next(iter(refusals.values()))})" if refusals else ""
            return TryLater("gpu_resting", f"who could is left alone for a while{others}", after=after, counted=False)
        return fault.later(after=after)


def open_gpu(settings: GpuSettings, painters: Painters) -> GpuClient:
    """A client of the configured painters."""
    headers = {painter.url: painter.headers for painter in settings.painters}
    return GpuClient(
        settings.urls,
        timeout=settings.gpu_timeout_seconds,
        painters=painters,
        headers=headers,
        publishes_unchecked=settings.gpu_unchecked == "publish",
    )


def _words(reply: Reply) -> str:
    """`steps: must be between 1 and 8`: what the painter says in its words, and never a novel."""
    reasons = [f"{field}: {reason}" for field, reason in reasons_of(reply.content)]
    return "; ".join(reasons) or f"status {reply.status}"
