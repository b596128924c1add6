"""What a client gets when a fault plays: late, something else, or nothing. Knows faults and answers, not why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import Response

from sandbox.line import Silence
from sandbox.model import Json
from sandbox.x import problems
from sandbox.x.faults import Fault
from sandbox.x.problems import Problem

HTML_503 = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Over capacity</h1></body></html>"
_JSON = "application/json"
Do = Callable[[], Awaitable[Response]]
Dress = Callable[[int, Json | None, dict[str, str]], Response]


async def through(faults: list[Fault], do: Do, *, dress: Dress, now_s: int) -> Response:
    """Does the call (or not) and answers (or not), as the faults want it."""
    spoiler = next((fault for fault in faults if fault.kind != "slow"), None)
    await _wait(faults, "before")
    if spoiler is None:
        response = await do()
    elif spoiler.kind == "status_after" or spoiler.when == "after":
        await do()
        response = _instead(spoiler, dress, now_s)
    else:
        response = _instead(spoiler, dress, now_s)
    await _wait(faults, "after")
    return response


async def _wait(faults: list[Fault], when: str) -> None:
    seconds = sum(fault.seconds or 0 for fault in faults if fault.kind == "slow" and fault.when == when)
    if seconds:
        await asyncio.sleep(seconds)


def _instead(fault: Fault, dress: Dress, now_s: int) -> Response:
    if fault.kind == "drop":
        return Silence()
    if fault.kind == "answer":
        return _told(fault)
    if fault.kind in _BARE:
        status, content, kind = _BARE[fault.kind]
        return Response(content, fault.status or status, media_type=kind)
    problem, headers = _problem(fault, now_s)
    return dress(problem.status, problem.body, headers)


def _told(fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body is None or status in (204, 304):
        return Response(status_code=status, headers=fault.headers)
    if isinstance(fault.body, str):
        return Response(fault.body.encode("utf-8", "replace"), status, headers=fault.headers)
    # Python's own way to write JSON can say everything that was read, lone surrogates included.
    return Response(json.dumps(fault.body), status, headers=fault.headers, media_type=_JSON)


_BARE: dict[str, tuple[int, str, str]] = {
    "html_503": (503, HTML_503, "text/html"),
    "empty_200": (200, "", _JSON),
    "garbage_200": (200, '{"data": [{"id": "21', _JSON),
    "list_body": (503, '[{"message": "Service Unavailable", "code": 130}]', _JSON),
}


def _problem(fault: Fault, now_s: int) -> tuple[Problem, dict[str, str]]:
    spent = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0"}
    answers: dict[str, tuple[Problem, dict[str, str]]] = {
        "no_reset": (problems.too_many(), spent),
        "reset_past": (problems.too_many(), spent | {"x-rate-limit-reset": str(now_s - 60)}),
        # Seen live: the cap is reached while the window has plenty left.
        "usage_cap": (problems.usage_capped(), _plenty(now_s)),
        "no_credits": (problems.credits_depleted(), {}),
        "unauthorized": (problems.unauthorized(), {}),
        "status_after": (problems.broken(fault.status or 503), {}),
    }
    return answers[fault.kind]


def _plenty(now_s: int) -> dict[str, Any]:
    window = {"limit": 40_000, "remaining": 39_999, "reset": now_s + 900}
    return {f"x-rate-limit-{name}": str(value) for name, value in window.items()}
