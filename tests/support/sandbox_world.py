"""A sandbox world behind a real HTTP server, and tweepy clients for it."""

import base64
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import requests
import tweepy
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from sandbox.app import create_app
from sandbox.clock import ManualClock
from sandbox.model import User
from sandbox.settings import SandboxSettings
from sandbox.world import World
from sandbox.x.dispatcher import access_secret_for, access_token_for

Json = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A PNG file to upload."""

    data: bytes
    width: int
    height: int

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()


class WorldServer:
    """One HTTP server for the whole test run. It serves the app in `app`, which each test replaces."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(self, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


class SandboxAdapter(requests.adapters.HTTPAdapter):
    """Send requests that are signed for X to the sandbox, as authors of bots do."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        for host in ("https://api.twitter.com", "https://upload.twitter.com"):
            request.url = (request.url or "").replace(host, self.url)
        return super().send(request, *args, **options)


class OwnBaseClient(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
    """A tweepy client that signs for the sandbox's own URL."""

    base = ""

    def request(
        self, method: str, route: str, params: Any = None, json: Any = None, user_auth: bool = False
    ) -> requests.Response:
        auth = tweepy.OAuth1UserHandler(
            self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret
        ).apply_auth()
        response: requests.Response = self.session.request(
            method, self.base + route, params=params, json=json, auth=auth
        )
        if response.status_code >= 400:
            raise tweepy.HTTPException(response)
        return response


class SandboxWorld:
    """A world with a manual clock, and short ways to use it over HTTP."""

    def __init__(self, server: WorldServer, *, at_ms: int | None = None, **settings: Any) -> None:
        self.clock = ManualClock(at_ms or round(time.time() * 1000))
        self.settings = SandboxSettings(**{"search_lag_seconds": 0, "data": None, **settings})
        self.app = server.app = create_app(self.settings, self.clock)
        self.state: World = self.app.state.world
        self.url = server.url
        # Loading certificates takes longer than most of these tests, and nothing here uses https.
        self.http = httpx.Client(base_url=self.url, timeout=10, verify=False)
        self.bot = self.state.bot

    def post(self, author: str, text: str = "", **fields: Any) -> Json:
        """Post as any user through the control API."""
        response = self.http.post("/sandbox/posts", json={"author": author, "text": text, **fields})
        assert response.status_code == 201, response.text
        return dict(response.json())

    def post_many(self, posts: list[Json]) -> None:
        """Post many at once through the control API; each names its `author` and `text`."""
        response = self.http.post("/sandbox/posts/bulk", json=posts)
        assert response.status_code == 201, response.text

    def reply(self, to: Json, text: str = "here", username: str = "threadpaint") -> tweepy.Response:
        """Reply through X's API."""
        return self.client(username).create_tweet(text=text, in_reply_to_tweet_id=to["id"])

    def set_user(self, username: str, **state: Any) -> None:
        """Change a user's state, such as `suspended`, through the control API."""
        response = self.http.patch(f"/sandbox/people/{username}", json=state)
        assert response.status_code == 200, response.text

    def set_rules(self, **changes: str | bool | int) -> Json:
        """Change the posting rules through the control API. Return all of them."""
        response = self.http.post("/sandbox/rules", json=changes)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def add_fault(self, **fault: Any) -> int:
        """Add a fault through the control API. Return its number."""
        response = self.http.post("/sandbox/faults", json=fault)
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def get_fault(self, number: int) -> Json:
        faults: list[Json] = self.http.get("/sandbox/faults").json()["data"]
        return next(fault for fault in faults if fault["id"] == number)

    def advance_clock(self, seconds: float) -> None:
        """Advance the sandbox's clock. `clock.advance` also moves the real time, so signatures would expire."""
        self.http.post("/sandbox/clock", json={"advance": seconds}).raise_for_status()

    def upload(self, picture: Picture, username: str = "threadpaint") -> str:
        """Upload a picture in one call. Return its media id."""
        response = self.as_person(username).post(
            f"{self.url}/2/media/upload", data={"media_category": "tweet_image"}, files={"media": picture.data}
        )
        assert response.status_code == 200, response.text
        return str(response.json()["data"]["id"])

    def find_user(self, handle: str) -> User:
        person = self.state.find_person(handle)
        assert person is not None, handle
        return person

    def adapter(self) -> SandboxAdapter:
        return SandboxAdapter(self.url)

    def client(
        self, username: str = "threadpaint", *, secret: str | None = None, adapter: bool = True, mark: str = ""
    ) -> tweepy.Client:
        """Return a tweepy client of a user. `mark`: suffix of read-only keys."""
        secret = secret or access_secret_for(username) + mark
        token = access_token_for(username) + mark
        keys = ("sandbox-bearer", "sandbox-consumer-key", "sandbox-consumer-secret", token, secret)
        if not adapter:
            client = OwnBaseClient(*keys)
            client.base = self.url
            return client
        client = tweepy.Client(*keys)
        client.session.mount("https://api.twitter.com", SandboxAdapter(self.url))
        return client

    def get(self, path: str, **params: Any) -> httpx.Response:
        """Call the API with the app-only token, without tweepy."""
        return self.http.get(path, params=params, headers={"authorization": "Bearer sandbox-bearer"})

    def as_person(self, username: str = "threadpaint", *, mark: str = "") -> requests.Session:
        """Return a session that signs as a user."""
        session = requests.Session()
        token, secret = access_token_for(username) + mark, access_secret_for(username) + mark
        session.auth = tweepy.OAuth1UserHandler(
            "sandbox-consumer-key", "sandbox-consumer-secret", token, secret
        ).apply_auth()
        return session

    def stats(self) -> Json:
        return dict(self.http.get("/sandbox/state").json())


# Start a world with other settings than the default ones.
StartWorld = Callable[..., SandboxWorld]


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x20\x40\x80" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
