"""Connections that never become a request, and responses that no client reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from gpu.api import http_limits
from gpu.api.contract import MAX_BODY_BYTES
from gpu.api.service import create_app
from gpu.engine import BatchKey
from tests.support.gpu_requests import REQUEST
from tests.support.raw_connections import GET, connected, read, sent_until_closed
from tests.support.toy_engine import ToyEngine


@contextmanager
def serving(engine: Any, **given: Any) -> Iterator[Any]:
    app = create_app(engine, token=None, **given)
    config = uvicorn.Config(
        **http_limits.limited(app),
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    with serving_config(config) as port:
        app.state.engine_thread.wait_settled(10)
        yield port


@contextmanager
def serving_config(config: uvicorn.Config) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def port(toy: ToyEngine) -> Iterator[Any]:
    with serving(toy) as port:
        yield port


ENDLESS = {
    "one header": (GET + b"X-A: ", b"a"),
    "many headers": (GET, b"X-A: a\r\n"),
    "empty headers": (GET, b"a:\r\n"),
    "an address": (b"GET /", b"a"),
    "a chunk's extension": (GET + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a"),
    "trailers": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: a\r\n"),
    "a body that nobody asked for": (GET + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + bytes(1024) + b"\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_requests_are_cut_off(port: int, what: Any) -> None:
    head, piece = ENDLESS[what]
    with connected(port) as connection:
        connection.sendall(head)
        # The kernel buffers a few MB between the two.
        assert sent_until_closed(connection, piece) < 38
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_headers_of_usual_size_are_read(port: int) -> None:
    headers = {f"X-{number}": "a" * 400 for number in range(80)}
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", headers=headers).status_code == 200


def test_a_large_body_in_small_images_is_read(port: int) -> None:
    def images() -> Iterator[Any]:
        for _ in range(200):
            yield b" " * 10_000
        yield b'{"prompt": "a lake", "width": 64, "height": 64}'

    answer = httpx.post(f"http://127.0.0.1:{port}/v1/paint", content=images())
    assert answer.status_code == 200
    whole = b'{"prompt": "a lake", "width": 64, "height": 64}'.ljust(MAX_BODY_BYTES)
    assert httpx.post(f"http://127.0.0.1:{port}/v1/paint", content=whole).status_code == 200


async def refuse_unread(scope: Any, _receive: Any, send: Any) -> None:
    """An application that answers before it reads the body; `/busy` blocks the event loop."""
    if scope["path"] == "/busy":
        time.sleep(0.3)  # noqa: ASYNC251  # on purpose
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def test_a_body_that_arrives_in_two_parts_before_the_application_starts_is_no_head() -> None:
    # uvloop hands over 256,000 bytes at a time, and the next ones at once if there are more.
    head, piece = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", bytes(226_000)
    config = uvicorn.Config(**http_limits.limited(refuse_unread), log_level="error", lifespan="off")
    with serving_config(config) as port, connected(port) as connection, connected(port) as other:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")
        connection.sendall(bytes(1_000_000 - len(piece)))
        other.sendall(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)  # the event loop is busy by now, and reads all that follows at once
        connection.sendall(piece + head + bytes(1_000_000))
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost:", GET + b"\r\n" + GET])
def test_an_incomplete_request_is_dropped(toy: ToyEngine, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.3)
    with serving(toy) as port, connected(port) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        read(connection)
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"


def test_a_generation_may_take_longer_than_the_header_timeout(toy: ToyEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.2)
    with serving(toy) as port:
        toy.hold()
        threading.Timer(0.8, toy.let_go).start()
        assert httpx.post(f"http://127.0.0.1:{port}/v1/paint", json=REQUEST).status_code == 200


# Noise does not compress: 16 MB of base64, more than kernels buffer between two processes.
LARGE = {"prompt": "noise", "seeds": [1, 2, 3, 4], "width": 1024, "height": 1024}


class Noise:
    """An engine that returns noise, which no encoding can shrink."""

    def __init__(self, toy: ToyEngine) -> None:
        self.model, self.limits, self.load = toy.model, toy.limits, toy.load

    def generate(self, key: BatchKey, images: Any) -> Any:
        import numpy as np
        from PIL import Image

        from gpu.engine import GeneratedImage

        random = np.random.default_rng(1)
        noise = random.integers(0, 256, (key.height, key.width, 3), np.uint8)
        return [GeneratedImage(Image.fromarray(noise)) for _ in images]


def ask_for_much(port: int, *, buffer: int = 8192) -> Any:
    body = httpx.Request("POST", "http://x", json=LARGE).content
    connection = connected(port, buffer=buffer)
    head = b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    return connection


def test_a_response_without_reader_is_dropped(toy: ToyEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "READ_SECONDS", 0.3)
    with serving(Noise(toy), encoding="png") as port, ask_for_much(port) as connection:
        assert connection.recv(8).startswith(b"HTTP/1.1")
        time.sleep(1.0)
        began = time.monotonic()
        assert 0 < len(read(connection)) < 16_000_000
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"


def test_a_slow_but_steady_reader_gets_the_whole_response(toy: ToyEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "READ_SECONDS", 0.15)
    monkeypatch.setattr(http_limits, "READ_BYTES", 100_000)
    with serving(Noise(toy), encoding="png") as port, ask_for_much(port, buffer=2**17) as connection:
        received = read(connection, pause=0.002, until=b'"batch_size":4}')
        assert received.endswith(b'"batch_size":4}') and len(received) > 16_000_000
