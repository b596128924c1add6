"""Apply faults to a call: delay, replace or drop its response."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from fastapi.responses import Response

from sandbox.connection_faults import DropConnection
from sandbox.model import Json
from sandbox.x import problems
from sandbox.x.faults import Fault
from sandbox.x.problems import Problem

HTML_503 = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Over capacity</h1></body></html>"
_JSON = "application/json"
RunCall = Callable[[], Awaitable[Response]]
ToResponse = Callable[[int, Json | None, dict[str, str]], Response]


async def apply_faults(faults: list[Fault], run: RunCall, *, to_response: ToResponse, now_s: int) -> Response:
    """Run the call, or not, and return the response that the faults require."""
    fault_to_apply = next((fault for fault in faults if fault.kind != "slow"), None)
    await _wait(faults, "before")
    if fault_to_apply is None:
        response = await run()
    elif fault_to_apply.kind == "status_after" or fault_to_apply.when == "after":
        await run()
        response = _replacement(fault_to_apply, to_response, now_s)
    else:
        response = _replacement(fault_to_apply, to_response, now_s)
    await _wait(faults, "after")
    return response


async def _wait(faults: list[Fault], when: str) -> None:
    seconds = sum(fault.seconds or 0 for fault in faults if fault.kind == "slow" and fault.when == when)
    if seconds:
        await asyncio.sleep(seconds)


def _replacement(fault: Fault, to_response: ToResponse, now_s: int) -> Response:
    if fault.kind == "drop":
        return DropConnection()
    if fault.kind == "answer":
        return _to_response(fault)
    if fault.kind in _RAW_RESPONSES:
        status, content, kind = _RAW_RESPONSES[fault.kind]
        return Response(content, fault.status or status, media_type=kind)
    problem, headers = _problem(fault, now_s)
    return to_response(problem.status, problem.body, headers)


def _to_response(fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body is None or status in (204, 304):
        return Response(status_code=status, headers=fault.headers)
    if isinstance(fault.body, str):
        return Response(fault.body.encode("utf-8", "replace"), status, headers=fault.headers)
    # json.dumps escapes lone surrogates.
    return Response(json.dumps(fault.body), status, headers=fault.headers, media_type=_JSON)


_RAW_RESPONSES: dict[str, tuple[int, str, str]] = {
    "html_503": (503, HTML_503, "text/html"),
    "empty_200": (200, "", _JSON),
    "garbage_200": (200, '{"data": [{"id": "21', _JSON),
    "list_body": (503, '[{"message": "Service Unavailable", "code": 130}]', _JSON),
}


def _problem(fault: Fault, now_s: int) -> tuple[Problem, dict[str, str]]:
    exhausted = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0"}
    problems_by_kind: dict[str, tuple[Problem, dict[str, str]]] = {
        "no_reset": (problems.too_many_requests(), exhausted),
        "reset_past": (problems.too_many_requests(), exhausted | {"x-rate-limit-reset": str(now_s - 60)}),
        # Seen on X: the cap is reached while the rate-limit window has calls left.
        "usage_cap": (problems.usage_capped(), _headers_with_calls_left(now_s)),
        "no_credits": (problems.credits_depleted(), {}),
        "unauthorized": (problems.unauthorized(), {}),
        "status_after": (problems.server_error(fault.status or 503), {}),
    }
    return problems_by_kind[fault.kind]


def _headers_with_calls_left(now_s: int) -> dict[str, str]:
    values = {"limit": 40_000, "remaining": 39_999, "reset": now_s + 900}
    return {f"x-rate-limit-{name}": str(value) for name, value in values.items()}
