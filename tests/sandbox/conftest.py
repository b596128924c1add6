"""A fresh world for each test, behind one real HTTP server; and the real client, tweepy, in two dresses."""

import base64
import os
import socket
import struct
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import requests
import tweepy
import uvicorn

from sandbox.app import create_app
from sandbox.clock import HandClock
from sandbox.settings import Settings
from sandbox.x.gate import secret_of, token_of


class Stage:
    """Serves whichever app stands on it: one server for the whole run, one world for each test."""

    def __init__(self):
        self.app = None
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(self, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage():
    stage = Stage()
    while not stage.server.started:
        time.sleep(0.01)
    yield stage
    stage.server.should_exit = True
    stage.thread.join(5)


class Adapter(requests.adapters.HTTPAdapter):
    """What a bot's author mounts: signed for X, sent to the sandbox."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **options):
        for host in ("https://api.twitter.com", "https://upload.twitter.com"):
            request.url = request.url.replace(host, self.url)
        return super().send(request, **options)


class OwnBase(tweepy.Client):
    """The other way: a subclass that signs for the sandbox's own address."""

    base = ""

    def request(self, method, route, params=None, json=None, user_auth=False):
        auth = tweepy.OAuth1UserHandler(
            self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret
        ).apply_auth()
        answer = self.session.request(method, self.base + route, params=params, json=json, auth=auth)
        if answer.status_code >= 400:
            raise tweepy.HTTPException(answer)
        return answer


class Play:
    """A world with its clock, and short ways to do things in it."""

    def __init__(self, stage, *, at_ms=None, **settings):
        self.clock = HandClock(at_ms or round(time.time() * 1000))
        self.settings = Settings(**{"search_lag_seconds": 0, "data": None, **settings})
        self.app = stage.app = create_app(self.settings, self.clock)
        self.world = self.app.state.world
        self.url = stage.url
        # Loading certificates takes longer than most of these tests, and nothing here is https.
        self.http = httpx.Client(base_url=self.url, timeout=10, verify=False)
        self.bot = self.world.bot

    def says(self, author, text="", **more):
        answer = self.http.post("/sandbox/posts", json={"author": author, "text": text, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def adapter(self):
        return Adapter(self.url)

    def client(self, username="threadpaint", *, secret=None, adapter=True, mark=""):
        secret = secret or secret_of(username) + mark
        keys = ("sandbox-bearer", "sandbox-consumer-key", "sandbox-consumer-secret", token_of(username) + mark, secret)
        if not adapter:
            client = OwnBase(*keys)
            client.base = self.url
            return client
        client = tweepy.Client(*keys)
        client.session.mount("https://api.twitter.com", Adapter(self.url))
        return client

    def get(self, path, **params):
        """As an app, without the client's own opinions."""
        return self.http.get(path, params=params, headers={"authorization": "Bearer sandbox-bearer"})

    def as_person(self, username="threadpaint", *, mark=""):
        session = requests.Session()
        session.auth = tweepy.OAuth1UserHandler(
            "sandbox-consumer-key", "sandbox-consumer-secret", token_of(username) + mark, secret_of(username) + mark
        ).apply_auth()
        return session

    def answers(self):
        return self.http.get("/sandbox/state").json()


@pytest.fixture
def begin(stage):
    """Begins a world with other settings than the usual ones; the last one begun stands on the stage."""
    begun = []

    def with_settings(**settings):
        begun.append(Play(stage, **settings))
        return begun[-1]

    yield with_settings
    for play in begun:
        play.http.close()
        play.world.store.close()


@pytest.fixture
def play(begin):
    return begin()


def png(width=3, height=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x20\x40\x80" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def picture():
    data = png()
    return SimpleNamespace(data=data, base64=base64.b64encode(data).decode(), width=3, height=2)


@pytest.fixture
def material():
    def folder(name):
        path = Path(os.environ.get("TEST_MATERIAL", "../shared/data")) / name
        if not path.exists():
            pytest.skip(f"no test material at {path}")
        return path

    return folder
