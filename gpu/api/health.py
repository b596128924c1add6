"""GET /healthz of the GPU service."""

from __future__ import annotations

from fastapi import Response

from gpu.api.contract import Cost
from gpu.api.errors import json_response
from gpu.batching.engine_thread import EngineThread


class HealthEndpoint:
    """Reports whether the service would generate an image, and at which price."""

    def __init__(self, thread: EngineThread, cost: Cost | None, *, drop_flagged: bool) -> None:
        self._thread, self._cost, self._drop_flagged = thread, cost, drop_flagged

    async def healthz(self) -> Response:
        """Return 200 only if a request would be generated."""
        status = self._thread.status
        if status != "ok":
            return json_response(503, {"status": "loading" if status == "new" else status})
        body: dict[str, object] = {
            "status": "ok",
            "model": self._thread.engine.model,
            "queue": self._thread.waiting,
            "safety": self._safety,
        }
        if self._cost:
            # The caller knows the price before the first generation.
            body["cost"] = self._cost.model_dump()
        return json_response(200, body)

    @property
    def _safety(self) -> str:
        if self._thread.checker is None:
            return "off"
        return "drop" if self._drop_flagged else "flag"
