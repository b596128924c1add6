"""Start GPU services for tests: the real one with the sketch engine, and fakes that misbehave as configured."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from gpu.api.service import create_app
from gpu.factory import make_app
from gpu.settings import ServiceSettings
from gpu.sketch.engine import SketchEngine
from tests.support.servers import serving, wait_until


class SmallSketchEngine(SketchEngine):
    """Draws small pictures by default: drawing and encoding them takes little time."""

    limits = replace(SketchEngine.limits, width=64, height=64)


@contextmanager
def sketch_service(token: str = "secret", *, small: bool = False) -> Iterator[str]:
    """Run the real service. Yields its address once it is ready. small: draw pictures of about 64 x 64 pixels."""
    settings = ServiceSettings(engine="sketch", token=token)
    with serving(create_app(SmallSketchEngine(), token=token) if small else make_app(settings)) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the GPU service is not ready")
        yield url


EMPTY = b"{}"


class FixedService:
    """An ASGI app that answers every call with the same status, body and headers, and counts the calls.

    healthy: health checks succeed, and are not counted. empty: counts requests without a prompt.
    """

    def __init__(self, status: int = 200, body: bytes = b"", *, healthy: bool = False, **headers: str) -> None:
        self.status, self.body, self.healthy, self.calls, self.empty = status, body, healthy, 0, 0
        self.headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if self.healthy and scope["path"] == "/healthz":
            await _send(HEALTHY, send)
            return
        if scope["path"] == "/v1/paint" and (await _receive(scope, receive)).body == EMPTY:
            self.empty += 1
        else:
            self.calls += 1
        if self.status == 0:
            raise ConnectionResetError("gone")
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


CHECKED = {"checked": True, "flagged": False, "scores": {"concept_0": -0.1}}


def result_body(*seeds: int, **values: Any) -> bytes:
    """Return the result of an older service for these seeds, by default 42. `values` replace its fields."""
    image = base64.b64encode(b"bytes").decode()
    pictures = [{"seed": seed, "image": image, "safety": CHECKED} for seed in seeds or (42,)]
    return json.dumps({"model": "m", "pictures": pictures, "seconds": {"painting": 0.5}} | values).encode()


@dataclass(frozen=True)
class Scripted:
    """One response of a fake service.

    first: seconds before it starts. until: it starts once this is true. drip: seconds between its bytes.
    cut: close after half of the body. endless: send a body without end.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    first: float = 0.0
    until: Callable[[], bool] = lambda: True
    drip: float = 0.0
    cut: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Received:
    """One call as the service got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its JSON body."""
        return dict(json.loads(self.body))


HEALTHY = Scripted(200, b'{"status": "ok", "model": "m"}')


class ScriptedService:
    """An ASGI app that gives these responses in turn, repeats the last one, and records all calls.

    A health check gets `health` and is recorded in `health_checks`. A request without a prompt gets `empty`, or the
    last response, and is recorded in `empty_requests`.
    """

    def __init__(self, *script: Scripted, health: Scripted = HEALTHY, empty: Scripted | None = None) -> None:
        self.script, self.received = list(script), list[Received]()
        self.health, self.health_checks = health, list[Received]()
        self.empty, self.empty_requests = empty, list[Received]()
        self.in_flight = self.max_in_flight = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":
            self.health_checks.append(await _receive(scope, receive))
            await _until_client_leaves(receive, _send_later(self.health, send))
            return
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            call = await _receive(scope, receive)
            (self.empty_requests if call.body == EMPTY else self.received).append(call)
            response = self.script[max(0, min(len(self.received), len(self.script)) - 1)]
            if call.body == EMPTY and self.empty:
                response = self.empty
            await _until_client_leaves(receive, _send_later(response, send))
        finally:
            self.in_flight -= 1


def behind_firewall(app: Any, firewall: Callable[[str], Scripted | None], *, empty: Scripted | None = None) -> Any:
    """Return an app behind a firewall that answers some prompts itself.

    empty: what the firewall answers to a request without a prompt; None: the app answers.
    """

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await app(scope, receive, send)
            return
        body = (await _receive(scope, receive)).body
        response = empty if body == EMPTY and empty else firewall(str(json.loads(body or EMPTY).get("prompt", "")))
        if response:
            await _send(response, send)
            return
        first = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            return first.pop() if first else await receive()

        await app(scope, replay, send)

    return guarded


async def _receive(scope: dict[str, Any], receive: Any) -> Received:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    query = scope["query_string"].decode()
    path = scope["path"] + (f"?{query}" if query else "")
    return Received(scope["method"], path, {name.decode(): value.decode() for name, value in scope["headers"]}, body)


async def _until_client_leaves(receive: Any, responding: Coroutine[Any, Any, None]) -> None:
    """Respond, but end with the connection: sending raises nothing after that."""
    tasks = asyncio.ensure_future(responding), asyncio.ensure_future(receive())
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await tasks[0]


async def _send_later(response: Scripted, send: Any) -> None:
    await asyncio.sleep(response.first)
    while not response.until():  # noqa: ASYNC110 -- other threads make it true
        await asyncio.sleep(0.01)
    await _send(response, send)


async def _send(response: Scripted, send: Any) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    if response.cut:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.cut:
        await send({"type": "http.response.body", "body": response.body[: len(response.body) // 2], "more_body": True})
        raise ConnectionResetError("cut")
    while response.endless:
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        await asyncio.sleep(0)  # sending does not wait once the client has left
    if response.drip:
        for byte in response.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(response.drip)
    await send({"type": "http.response.body", "body": b"" if response.drip else response.body})
