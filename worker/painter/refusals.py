"""Decides whether a refusal concerns one order or everybody: what it means for the order, and for the painter.

    an empty request is refused as well           the painter rests, no try is lost, the operator reads why
    an empty request is read                      the painter goes on; the try counts against the order
    the answer to it tells nothing (a painter     the painter goes on unless three orders in a row are refused; the try
    that does not know our contract)              counts once another order was painted since the last one was refused

A firewall may refuse one prompt, a wrong token refuses all: status and words are the same (docs/decisions/0020). A
painter that has too much to do may take the empty request a moment later, so 429 and 503 count only in the third way.
A firewall may also lock us out for a while after a prompt: if that happens each time an order is tried, it counts.
"""

from core.painters import Painters
from worker.painter.call import Call
from worker.painter.faults import BUSY, REFUSED, Fault

# An order that steps aside does so no longer than this, whatever the refusal says.
MAX_ASIDE = 300.0


def judged(fault: Fault, call: Call, order: str, painters: Painters) -> Fault:
    """Tell all workers what a refusal means for the painter; return what it means for the order."""
    is_open, others_painted = call.is_open(), painters.refused(call.url, order)
    if is_open is False:
        painters.failed(call.url, code=fault.code, detail=fault.detail, after=fault.after)
        return _aside(fault, is_cause=True) if others_painted and fault.code != BUSY else fault
    if is_open:
        painters.accepts(call.url)
        return _aside(fault, is_cause=others_painted or fault.code != BUSY)
    try:
        call.look()
    except Fault as away:
        painters.failed(call.url, code=away.code, detail=away.detail, after=away.after)
        return away
    if not others_painted:
        detail = f"{fault.refusal} for several orders in a row: a wrong GPU_URL or GPU_TOKEN, or a firewall before it"
        painters.doubted(call.url, order, code=fault.code, detail=detail)
    return _aside(fault, is_cause=others_painted)


def _aside(fault: Fault, *, is_cause: bool) -> Fault:
    who = "while others are not" if is_cause else "and it is not known yet whether others are, too"
    detail = f"this order is refused before it is read ({fault.refusal}), {who}"
    return Fault(REFUSED, detail, doubtful=is_cause, after=min(fault.after, MAX_ASIDE))
