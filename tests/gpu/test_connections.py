"""Connections that never become a request, and answers that nobody takes: bounded before any token is shown."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from gpu.web import connections
from gpu.web.contract import MAX_BODY_BYTES
from gpu.web.service import create_app
from tests.support.asking import ASKED
from tests.support.raw_connections import GET, connected, read, sent_until_closed


@contextmanager
def serving(engine, **given):
    app = create_app(engine, token=None, **given)
    config = uvicorn.Config(
        **connections.limited(app),
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        app.state.engine_thread.wait_settled(10)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def port(toy):
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
def test_what_has_no_end_is_cut_off(port, what):
    head, piece = ENDLESS[what]
    with connected(port) as connection:
        connection.sendall(head)
        # What the kernel holds between the two is a few MB.
        assert sent_until_closed(connection, piece) < 38
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_headers_of_an_honest_size_are_read(port):
    headers = {f"X-{number}": "a" * 400 for number in range(80)}
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", headers=headers).status_code == 200


def test_a_large_body_in_small_pieces_is_read(port):
    def pieces():
        for _ in range(200):
            yield b" " * 10_000
        yield b'{"prompt": "a lake", "width": 64, "height": 64}'

    answer = httpx.post(f"http://127.0.0.1:{port}/v1/paint", content=pieces())
    assert answer.status_code == 200
    whole = b'{"prompt": "a lake", "width": 64, "height": 64}'.ljust(MAX_BODY_BYTES)
    assert httpx.post(f"http://127.0.0.1:{port}/v1/paint", content=whole).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost:", GET + b"\r\n" + GET])
def test_a_request_that_does_not_come_to_its_end_is_let_go(toy, monkeypatch, sent):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with serving(toy) as port, connected(port) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        read(connection)
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"


def test_an_order_may_take_longer_than_its_headers_might(toy, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with serving(toy) as port:
        toy.hold()
        threading.Timer(0.8, toy.let_go).start()
        assert httpx.post(f"http://127.0.0.1:{port}/v1/paint", json=ASKED).status_code == 200


# Noise does not pack: 16 MB of base64, more than kernels hold between two processes.
LARGE = {"prompt": "noise", "seeds": [1, 2, 3, 4], "width": 1024, "height": 1024}


class Noise:
    """Paints what no encoding can make small."""

    def __init__(self, toy):
        self.model, self.limits, self.load = toy.model, toy.limits, toy.load

    def paint(self, key, pieces):
        import numpy as np
        from PIL import Image

        from gpu.engine import Painting

        random = np.random.default_rng(1)
        noise = random.integers(0, 256, (key.height, key.width, 3), np.uint8)
        return [Painting(Image.fromarray(noise)) for _ in pieces]


def ask_for_much(port, *, buffer=8192):
    body = httpx.Request("POST", "http://x", json=LARGE).content
    connection = connected(port, buffer=buffer)
    head = b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    return connection


def test_an_answer_that_nobody_reads_is_dropped(toy, monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.3)
    with serving(Noise(toy), encoding="png") as port, ask_for_much(port) as connection:
        assert connection.recv(8).startswith(b"HTTP/1.1")
        time.sleep(1.0)
        began = time.monotonic()
        assert 0 < len(read(connection)) < 16_000_000
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"


def test_a_slow_reader_who_goes_on_gets_all_of_it(toy, monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.15)
    monkeypatch.setattr(connections, "READ_BYTES", 100_000)
    with serving(Noise(toy), encoding="png") as port, ask_for_much(port, buffer=2**17) as connection:
        received = read(connection, pause=0.002, until=b'"batch_size":4}')
        assert received.endswith(b'"batch_size":4}') and len(received) > 16_000_000
