"""Decide whether a refusal concerns one request or all: what it means for the creation, and for the backend.

    an empty request is refused as well             the breaker opens, no attempt is lost, the operator reads why
    an empty request is read                        the backend goes on; the attempt counts against the request
    its response does not show it (a service        the backend goes on unless three requests in a row are refused; the
    that does not know our contract)                attempt counts if another request succeeded since the last refusal

A firewall may refuse one prompt and a wrong token refuses all, with the same status and text (docs/decisions/0020). A
busy backend may read the empty request a moment later, so 429 and 503 count only in the third way. A firewall may also
lock us out for a while after a prompt: if that happens each time a request is tried, it counts.
"""

from core.gpu_health import GpuCircuitBreaker
from worker.gpu.errors import BUSY, REFUSED, GpuError
from worker.gpu.http import GpuCall

# Seconds that a refused request waits at most, even if the refusal asks for more.
MAX_REQUEST_PAUSE = 300.0


def judge_refusal(error: GpuError, call: GpuCall, request_id: str, gpu_breaker: GpuCircuitBreaker) -> GpuError:
    """Record for all workers what a refusal means for the backend. Returns what it means for the request."""
    accepts, others_succeeded = call.accepts_requests(), gpu_breaker.record_refusal(call.url, request_id)
    if accepts is False:
        gpu_breaker.record_failure(call.url, code=error.code, detail=error.detail, after=error.after)
        return _pause_request(error, is_cause=True) if others_succeeded and error.code != BUSY else error
    if accepts:
        gpu_breaker.record_reachable(call.url)
        return _pause_request(error, is_cause=others_succeeded or error.code != BUSY)
    try:
        call.probe()
    except GpuError as failure:
        gpu_breaker.record_failure(call.url, code=failure.code, detail=failure.detail, after=failure.after)
        return failure
    if not others_succeeded:
        detail = f"{error.refusal} for several requests in a row: a wrong GPU_URL or GPU_TOKEN, or a firewall"
        gpu_breaker.record_suspect(call.url, request_id, code=error.code, detail=detail)
    return _pause_request(error, is_cause=others_succeeded)


def _pause_request(error: GpuError, *, is_cause: bool) -> GpuError:
    others = "while others are not" if is_cause else "and it is unknown yet whether others are, too"
    detail = f"this request is refused before it is read ({error.refusal}), {others}"
    return GpuError(REFUSED, detail, suspect=is_cause, after=min(error.after, MAX_REQUEST_PAUSE))
