"""Connections that send or read without end do not cost the gallery its memory, and do not stay."""

import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from gallery import connections, forms
from gallery.limits import Limits
from tests.support.raw_connections import GET, connected, read, sent_until_closed
from tests.support.served_site import Served
from tests.support.servers import ROOT

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /colours HTTP/1.1\r\nHost: x\r\n" + FORM

ENDLESS = {
    "one header": (GET + b"X-A: ", b"a"),
    "many headers": (GET, b"X-A: a\r\n"),
    "empty headers": (GET, b"a:\r\n"),
    "an address": (b"GET /", b"a"),
    "headers behind a request that is being answered": (b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" + GET, b"a:\r\n"),
    "a chunk's extension": (POST + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a"),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: a\r\n"),
    "a body in chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + bytes(1024) + b"\r\n"),
}


@pytest.fixture
def served(site):
    served = Served(site().app)
    yield served
    served.stop()


@pytest.fixture
def port(served):
    return int(served.address.rpartition(":")[2])


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_cut_off_and_costs_no_memory(port, what):
    head, piece = ENDLESS[what]
    before = psutil.Process().memory_info().rss
    with connected(port) as connection:
        connection.sendall(head)
        # What the kernel holds between the two is a few MB.
        assert sent_until_closed(connection, piece) < 30
    # Of 30 MB of short headers uvicorn alone makes 700 MB.
    assert psutil.Process().memory_info().rss - before < 60 * 2**20
    assert httpx.get(f"http://127.0.0.1:{port}/robots.txt").status_code == 200


def test_headers_of_an_honest_size_are_read(port):
    headers = {f"X-{number}": "a" * 400 for number in range(80)}
    with httpx.Client() as client:  # on one connection: what was counted is forgotten with each request
        for _ in range(3):
            assert client.get(f"http://127.0.0.1:{port}/robots.txt", headers=headers).status_code == 200


@pytest.mark.parametrize("cut", [10, 35, 36, 37, 38, 39])
def test_a_head_may_come_in_two_parts_with_a_large_body_behind(port, cut):
    body = b"theme=dark&a=" + b"b" * 60_000
    head = b"POST /colours HTTP/1.1\r\nHost: x\r\n" + FORM + b"Content-Length: %d\r\n\r\n" % len(body)
    end = len(head) - (40 - cut)
    with connected(port) as connection:
        connection.sendall(head[:end])
        time.sleep(0.05)
        connection.sendall(head[end:] + body)
        assert connection.recv(12).startswith(b"HTTP/1.1 303")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:", GET + b"\r\n" + GET])
def test_a_request_that_does_not_come_to_its_end_is_cut_off(site, monkeypatch, sent):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    served = Served(site().app)
    with connected(int(served.address.rpartition(":")[2])) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        read(connection)
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"
    served.stop()


def test_a_stream_may_take_longer_than_a_head(site, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    served = Served(site().app)
    with httpx.stream("GET", f"{served.address}/live", timeout=10) as answer:
        parts = answer.iter_raw()
        next(parts)
        threading.Event().wait(0.6)
        assert next(parts), "the stream was cut off"
    served.stop()


def test_the_rest_of_a_large_form_that_is_refused_is_read_past(port):
    body = b"a" * 5_000_000
    answer = httpx.post(f"http://127.0.0.1:{port}/colours", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code in (400, 413, 422, 303)


def test_a_rest_that_is_dripped_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(connections, "DRAIN_SECONDS", 0.3)
    served = Served(site().app)
    with connected(int(served.address.rpartition(":")[2])) as connection:
        connection.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\na")
        began, ended = time.monotonic(), False
        while not ended and time.monotonic() - began < 4:
            time.sleep(0.1)
            try:
                connection.sendall(b"a")
            except OSError:
                ended = True
        assert ended, "it was waited for"
    served.stop()


def test_a_form_that_is_dripped_is_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(forms, "FORM_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(POST + b"Content-Length: 50000\r\n\r\na")
        assert connection.recv(12) == b"HTTP/1.1 408"


def test_a_form_without_a_length_is_refused(port):
    with connected(port) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nthe")
        assert connection.recv(12) == b"HTTP/1.1 411"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/paint", "paint"), ("/paint/start", "choose"), ("/me/settings/sensitive", "settings"), ("/colours", "form")],
)
def test_a_form_is_counted_before_its_body_is_read(site, wall, sign_in, path, kind):
    client = site()
    sign_in(client, wall.person("ada"))
    client.app.state.limits = Limits({kind: "1/hour"})
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: login={client.cookies['login']}\r\n".encode() + FORM
    served = Served(client.app)
    port = int(served.address.rpartition(":")[2])
    with connected(port) as first, connected(port) as second:
        first.sendall(head + b"Content-Length: 3\r\n\r\na=b")
        assert first.recv(12).startswith(b"HTTP/1.1")
        second.sendall(head + b"Content-Length: 20000000\r\n\r\n")
        assert second.recv(12) == b"HTTP/1.1 429"
    served.stop()


def test_the_gpu_service_has_the_same_limits():
    """Neither may import the other, so there are two copies of one file."""
    assert Path(connections.__file__).read_text() == (ROOT / "gpu" / "web" / "connections.py").read_text()
