"""The GPU service for tests: the real one with the sketch engine, and ones that misbehave in any way told."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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


EMPTY = b"{}"


class BadPainter:
    """An ASGI app that answers every call with the same status, body and headers, and counts the orders. `well`: asked
    how it is, it says that all is well, and that call is not counted. `empty`: requests without an order."""

    def __init__(self, status: int = 200, body: bytes = b"", *, well: bool = False, **headers: str) -> None:
        self.status, self.body, self.well, self.calls, self.empty = status, body, well, 0, 0
        self.headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if self.well and scope["path"] == "/healthz":
            await _say(WELL, send)
            return
        if scope["path"] == "/v1/paint" and (await _heard(scope, receive)).body == EMPTY:
            self.empty += 1
        else:
            self.calls += 1
        if self.status == 0:
            raise ConnectionResetError("gone")
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


CHECKED = {"checked": True, "flagged": False, "scores": {"concept_0": -0.1}}


def answer(*seeds: int, **values: Any) -> bytes:
    """What a painter of an older version answers to these seeds (42 without any); `values` go over it."""
    image = base64.b64encode(b"bytes").decode()
    pictures = [{"seed": seed, "image": image, "safety": CHECKED} for seed in seeds or (42,)]
    return json.dumps({"model": "m", "pictures": pictures, "seconds": {"painting": 0.5}} | values).encode()


@dataclass(frozen=True)
class Said:
    """One answer of a painter that plays by a script.

    drip: seconds between its bytes. first: seconds before it begins. cut: it closes after half of the body.
    endless: its body goes on for ever.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    first: float = 0.0
    drip: float = 0.0
    cut: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Heard:
    """One call as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def order(self) -> dict[str, Any]:
        """Its JSON."""
        return dict(json.loads(self.body))


WELL = Said(200, b'{"status": "ok", "model": "m"}')


class ScriptedPainter:
    """An ASGI app that gives these answers one after the other, the last one again and again, and keeps all calls.
    Asked how it is, it says `health` each time, and keeps that call in `looks`. To a request without an order it says
    `empty`, or what it said last, and keeps that call in `empties`."""

    def __init__(self, *said: Said, health: Said = WELL, empty: Said | None = None) -> None:
        self.said, self.heard = list(said), list[Heard]()
        self.health, self.looks = health, list[Heard]()
        self.empty, self.empties = empty, list[Heard]()
        self.at_once = self.most_at_once = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":
            self.looks.append(await _heard(scope, receive))
            await asyncio.sleep(self.health.first)
            await _say(self.health, send)
            return
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            heard = await _heard(scope, receive)
            (self.empties if heard.body == EMPTY else self.heard).append(heard)
            said = self.said[max(0, min(len(self.heard), len(self.said)) - 1)]
            if heard.body == EMPTY and self.empty:
                said = self.empty
            await asyncio.sleep(said.first)
            await _say(said, send)
        finally:
            self.at_once -= 1


def behind(app: Any, firewall: Callable[[str], Said | None], *, empty: Said | None = None) -> Any:
    """An app behind a firewall that answers some prompts itself. `empty`: what it answers to a request without an
    order, in place of the app; None: as the app does."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await app(scope, receive, send)
            return
        body = (await _heard(scope, receive)).body
        said = empty if body == EMPTY and empty else firewall(str(json.loads(body or EMPTY).get("prompt", "")))
        if said:
            await _say(said, send)
            return
        first = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return first.pop() if first else await receive()

        await app(scope, again, send)

    return guarded


async def _heard(scope: dict[str, Any], receive: Any) -> Heard:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    query = scope["query_string"].decode()
    path = scope["path"] + (f"?{query}" if query else "")
    return Heard(scope["method"], path, {name.decode(): value.decode() for name, value in scope["headers"]}, body)


async def _say(said: Said, send: Any) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in said.headers.items()]
    if said.cut:
        headers.append((b"content-length", str(len(said.body)).encode()))
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    if said.cut:
        await send({"type": "http.response.body", "body": said.body[: len(said.body) // 2], "more_body": True})
        raise ConnectionResetError("cut")
    while said.endless:
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        await asyncio.sleep(0)  # where nobody listens any more, sending does not wait
    if said.drip:
        for byte in said.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(said.drip)
    await send({"type": "http.response.body", "body": b"" if said.drip else said.body})
