"""The GPU service for tests: the real one with the sketch engine, and one that misbehaves in any way told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from gpu.engines import make_app
from gpu.settings import GpuSettings
from tests.support.servers import serving, wait_until


@contextmanager
def sketch_service(token: str = "secret") -> Iterator[str]:
    """The real service, ready to paint."""
    with serving(make_app(GpuSettings(engine="sketch", token=token))) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter is not ready")
        yield url


class BadPainter:
    """An ASGI app that answers every call with the same status, body and headers, and counts the calls."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status, self.body, self.calls = status, body, 0
        self.headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.calls += 1
        if self.status == 0:
            raise ConnectionResetError("gone")
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})
