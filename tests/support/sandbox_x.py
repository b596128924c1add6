"""The sandbox X, served for real, with the verbs tests need: somebody posts, the bot's answers are counted."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.pace.toll import Toll
from core.settings import XSettings, load
from core.x import XClient, open_x
from sandbox.app import create_app
from sandbox.settings import Settings
from tests.support.servers import serving

Scope = dict[str, Any]
Fault = Callable[[Scope, Callable[[], Awaitable[None]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
KEYS = {
    "x_consumer_key": "sandbox-consumer-key",
    "x_consumer_secret": "sandbox-consumer-secret",
    "x_access_token": "sandbox-token-threadpaint",
    "x_access_token_secret": "sandbox-token-secret-threadpaint",
}


@dataclass
class BadLine:
    """An ASGI layer before the sandbox that can spoil single calls, as the network and X do."""

    app: Any
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        waiting = self.faults.get((scope.get("method", ""), scope.get("path", "")))
        if not waiting:
            await self.app(scope, receive, send)
            return

        async def silent(_message: Any) -> None:
            """Swallows the answer: the call has happened, nobody hears of it."""

        try:
            await waiting.pop(0)(scope, lambda: self.app(scope, receive, silent), send)
        except ConnectionResetError:
            await _cut(receive)


async def _cut(receive: Any) -> None:
    """Cut the connection, as a network does; an error that uvicorn sees would become an answer of 500."""
    receive.__self__.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def lost_answer(_scope: Scope, call: Callable[[], Awaitable[None]], _send: Any) -> None:
    """X does it, and the connection breaks before its answer."""
    await call()
    raise ConnectionResetError("the line broke after the commit")


async def lost_call(_scope: Scope, _call: Any, _send: Any) -> None:
    """The connection breaks before X has done anything."""
    raise ConnectionResetError("the line broke before the commit")


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """X answers with this instead of doing it."""

    async def fault(_scope: Scope, _call: Any, send: Any) -> None:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return fault


@dataclass
class SandboxX:
    """A world of its own at `url`."""

    url: str
    line: BadLine
    http: httpx.Client

    def client(self, toll: Toll | None = None, **settings: Any) -> XClient:
        """The bot's own client of this world; without a toll gate it may call whenever it likes."""
        return open_x(load(XSettings, x_api_url=self.url, **(KEYS | settings)), toll)

    def spoil(self, method: str, path: str, *faults: Fault) -> None:
        """The next calls of this kind go wrong, one fault each."""
        self.line.faults.setdefault((method, path), []).extend(faults)

    def post(self, text: str, author: str = "ada", **values: Any) -> int:
        """Somebody posts; returns the post's id."""
        answer = self.http.post(f"{self.url}/sandbox/posts", json={"author": author, "text": text, **values})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def replies(self, post_id: int) -> list[dict[str, Any]]:
        """Direct replies to a post, oldest first."""
        return list(self.http.get(f"{self.url}/sandbox/posts/{post_id}/replies").json()["data"])

    def state(self) -> dict[str, Any]:
        """The sandbox's own count of everything."""
        return dict(self.http.get(f"{self.url}/sandbox/state").json())


@contextmanager
def sandbox_x() -> Iterator[SandboxX]:
    """A fresh world, deterministic ids, search without lag."""
    line = BadLine(create_app(Settings(search_lag_seconds=0)))
    with serving(line) as url, httpx.Client(trust_env=False) as http:
        yield SandboxX(url, line, http)
