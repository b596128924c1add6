"""Requests without an end cost no memory, and slow clients are disconnected."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import psutil
import pytest

from gallery.web import connection_guard, forms
from gallery.web.rate_limits import RateLimiter
from tests.support.gallery_data import GalleryData
from tests.support.raw_connections import GET, connected, read, sent_until_closed
from tests.support.site_client import Serve, SiteClient

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /theme HTTP/1.1\r\nHost: x\r\n" + FORM

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
def address(client: SiteClient, serve: Serve) -> str:
    return serve(client)


@pytest.fixture
def port(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_request_is_cut_off_without_using_memory(port: int, what: Any) -> None:
    head, piece = ENDLESS[what]
    before = psutil.Process().memory_info().rss
    with connected(port) as connection:
        connection.sendall(head)
        # What the kernel holds between the two is a few MB.
        assert sent_until_closed(connection, piece) < 30
    # Of 30 MB of short headers uvicorn alone makes 700 MB.
    assert psutil.Process().memory_info().rss - before < 60 * 2**20
    assert httpx.get(f"http://127.0.0.1:{port}/robots.txt", verify=False).status_code == 200


def test_large_but_reasonable_headers_are_accepted(port: int) -> None:
    headers = {f"X-{number}": "a" * 400 for number in range(80)}
    with httpx.Client(verify=False) as client:  # on one connection: what was counted is forgotten with each request
        for _ in range(3):
            assert client.get(f"http://127.0.0.1:{port}/robots.txt", headers=headers).status_code == 200


@pytest.mark.parametrize("cut", [10, 35, 36, 37, 38, 39])
def test_head_in_two_parts_before_a_large_body_is_accepted(port: int, cut: Any) -> None:
    body = b"theme=dark&a=" + b"b" * 60_000
    head = b"POST /theme HTTP/1.1\r\nHost: x\r\n" + FORM + b"Content-Length: %d\r\n\r\n" % len(body)
    end = len(head) - (40 - cut)
    with connected(port) as connection:
        connection.sendall(head[:end])
        time.sleep(0.05)
        connection.sendall(head[end:] + body)
        assert connection.recv(12).startswith(b"HTTP/1.1 303")


def test_rest_of_a_rejected_form_is_read(port: int) -> None:
    body = b"a" * 5_000_000
    headers = {"Content-Type": "text/plain"}
    answer = httpx.post(f"http://127.0.0.1:{port}/theme", content=body, headers=headers, verify=False)
    assert answer.status_code in (400, 413, 422, 303)


def test_slow_form_is_answered_with_408(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FORM_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(POST + b"Content-Length: 50000\r\n\r\na")
        assert connection.recv(12) == b"HTTP/1.1 408"


def test_form_without_length_is_answered_with_411(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nthe")
        assert connection.recv(12) == b"HTTP/1.1 411"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/paint", "paint"), ("/uploads", "choose"), ("/me/settings/sensitive", "settings"), ("/theme", "form")],
)
def test_form_counts_against_its_limit_before_the_body_is_read(
    client: SiteClient,
    port: int,
    gallery_data: GalleryData,
    sign_in: Callable[[SiteClient, int], str],
    path: str,
    kind: str,
) -> None:
    sign_in(client, gallery_data.person("ada"))
    client.app.state.rate_limiter = RateLimiter({kind: "1/hour"})
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: login={client.cookies['login']}\r\n".encode() + FORM
    with connected(port) as first, connected(port) as second:
        first.sendall(head + b"Content-Length: 3\r\n\r\na=b")
        assert first.recv(12).startswith(b"HTTP/1.1")
        second.sendall(head + b"Content-Length: 20000000\r\n\r\n")
        assert second.recv(12) == b"HTTP/1.1 429"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_incomplete_request_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch, sent: Any) -> None:
    monkeypatch.setattr(connection_guard, "HEAD_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        read(connection)
        assert time.monotonic() - began < 4, "only the server's own keep-alive ended it"


def test_event_stream_outlives_the_head_timeout(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_guard, "HEAD_SECONDS", 0.2)
    with httpx.stream("GET", f"{address}/live", timeout=10, verify=False) as answer:
        parts = answer.iter_raw()
        next(parts)
        threading.Event().wait(0.6)
        assert next(parts), "the stream was cut off"


def test_slow_rest_of_a_body_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_guard, "NEXT_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\na")
        began, ended = time.monotonic(), False
        while not ended and time.monotonic() - began < 4:
            time.sleep(0.1)
            try:
                connection.sendall(b"a")
            except OSError:
                ended = True
        assert ended, "it was waited for"
