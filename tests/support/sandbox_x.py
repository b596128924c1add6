"""Serve the sandbox X over HTTP, post to it, count the bot's replies, and inject faults."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.settings import XSettings, load
from core.x import XClient, open_x
from core.x.call_guard import CallGuard
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.servers import AppServer

Scope = dict[str, Any]
Fault = Callable[[Scope, Callable[[], Awaitable[None]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
KEYS = {
    "x_consumer_key": "sandbox-consumer-key",
    "x_consumer_secret": "sandbox-consumer-secret",
    "x_access_token": "sandbox-token-threadpaint",
    "x_access_token_secret": "sandbox-token-secret-threadpaint",
}


@dataclass
class FaultInjector:
    """ASGI middleware in front of the sandbox that makes single calls fail, as the network and X do."""

    app: Any
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        faults = self.faults.get((scope.get("method", ""), scope.get("path", "")))
        if not faults:
            await self.app(scope, receive, send)
            return

        async def discard(_message: Any) -> None:
            """Discard the response: the call took effect, but the client does not learn it."""

        try:
            await faults.pop(0)(scope, lambda: self.app(scope, receive, discard), send)
        except ConnectionResetError:
            await _cut(receive)


async def _cut(receive: Any) -> None:
    """Abort the connection, as a network does. uvicorn would turn an exception into a 500."""
    receive.__self__.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def lost_response(_scope: Scope, call: Callable[[], Awaitable[None]], _send: Any) -> None:
    """Let the call take effect, then abort the connection before the response."""
    await call()
    raise ConnectionResetError("the connection broke after the commit")


async def lost_call(_scope: Scope, _call: Any, _send: Any) -> None:
    """Abort the connection before the call takes effect."""
    raise ConnectionResetError("the connection broke before the commit")


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Return a fault that responds like this and has no effect."""

    async def fault(_scope: Scope, _call: Any, send: Any) -> None:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return fault


@dataclass
class SandboxX:
    """A fresh sandbox at `url`."""

    url: str
    injector: FaultInjector
    http: httpx.Client

    def client(self, guard: CallGuard | None = None, **settings: Any) -> XClient:
        """Return a client of the bot's account. Without a guard nothing limits its calls."""
        return open_x(load(XSettings, x_api_url=self.url, **(KEYS | settings)), guard)

    def spoil(self, method: str, path: str, *faults: Fault) -> None:
        """Make the next calls of this kind fail, one fault each."""
        self.injector.faults.setdefault((method, path), []).extend(faults)

    def post(self, text: str, author: str = "ada", **values: Any) -> int:
        """Post as a user. Return the post's id."""
        answer = self.http.post(f"{self.url}/sandbox/posts", json={"author": author, "text": text, **values})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def post_many(self, posts: list[dict[str, Any]]) -> list[int]:
        """Post many at once, in this order; each names its `author` and `text`. Return the ids."""
        answer = self.http.post(f"{self.url}/sandbox/posts/bulk", json=posts, timeout=60)
        assert answer.status_code == 201, answer.text
        return [int(post_id) for post_id in answer.json()["ids"]]

    def replies(self, post_id: int) -> list[dict[str, Any]]:
        """Return the direct replies to a post, oldest first."""
        return list(self.http.get(f"{self.url}/sandbox/posts/{post_id}/replies").json()["data"])

    def state(self) -> dict[str, Any]:
        """Return the sandbox's counts of calls, replies and duplicates."""
        return dict(self.http.get(f"{self.url}/sandbox/state").json())


@contextmanager
def sandbox_x(server: AppServer) -> Iterator[SandboxX]:
    """Put a fresh world on the server: deterministic ids, search without lag."""
    app = create_app(SandboxSettings(search_lag_seconds=0))
    server.app = injector = FaultInjector(app)
    with httpx.Client(trust_env=False, verify=False) as http:
        yield SandboxX(server.url, injector, http)
    app.state.world.store.close()
