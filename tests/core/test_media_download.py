"""Images are fetched from X's hosts only, never from the instance's own network, and within the deadline."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import Refused, ThreadpaintError, TryLater
from core.media_download import MediaDownloader, is_public, public_addresses
from core.settings import XSettings, load
from tests.support.servers import on_shared_server, serving_tls

KEYS = dict.fromkeys(("x_consumer_key", "x_consumer_secret", "x_access_token", "x_access_token_secret"), "key")


class Host:
    """An ASGI app that serves a few bytes, and records the Host headers."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked.append(dict(scope["headers"])[b"host"].decode())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"picture"})


async def at_home(_host: str, _port: int) -> list[str]:
    """Resolve any name to this machine. Nothing listens at the first address."""
    return ["127.0.0.2", "127.0.0.1"]


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "certificate.pem")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/latest/meta-data",
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "http://pbs.twimg.com/media/1.jpg",
        "https://pbs.twimg.com:8443/media/1.jpg",
        "https://pbs.twimg.com@127.0.0.1:{port}/",
        "https://somebody@pbs.twimg.com/media/1.jpg",
        "https://pbs.twimg.com.evil.example/1.jpg",
        "https://evil.example/pbs.twimg.com",
        "file:///etc/passwd",
        "ftp://pbs.twimg.com/1.jpg",
        "//pbs.twimg.com/1.jpg",
        "https://",
        "https://[::1",
        "pbs.twimg.com",
        "",
        "https://pbs.twimg.com/\n",
    ],
)
def test_other_hosts_are_not_called(address: str) -> None:
    host = Host()
    with on_shared_server(host) as url, pytest.raises(Refused, match="no_start_picture"):
        MediaDownloader().fetch(address.format(port=url.rpartition(":")[2]))
    assert host.asked == []


def test_a_stand_in_for_x_serves_images_from_its_own_port_only() -> None:
    stand_in, other = Host(), Host()
    with on_shared_server(stand_in) as here, on_shared_server(other) as there:
        media = MediaDownloader(origin=here)
        assert media.fetch(f"{here}/media/1.jpg") == b"picture"
        with pytest.raises(Refused, match="not on a host of X"):
            media.fetch(f"{there}/media/1.jpg")
    assert other.asked == []


def test_a_host_of_x_with_a_private_address_is_not_called() -> None:
    with pytest.raises(Refused, match="private network"):
        MediaDownloader(frozenset({"localhost"})).fetch("https://localhost/1.jpg")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("104.244.43.131", True),
        ("2606:4700::6810:85e5", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_one_private_address_among_others_is_rejected() -> None:
    with pytest.raises(Refused):
        asyncio.run(public_addresses("127.0.0.1", 443))


def test_the_connection_uses_the_checked_address_and_the_name_of_the_certificate(tmp_path: Path) -> None:
    host = Host()
    with serving_tls(host, tmp_path) as url:
        port = url.rpartition(":")[2]
        name = f"media.test:{port}"
        media = MediaDownloader(frozenset({name, f"other.test:{port}"}), resolve=at_home, tls=trusting(tmp_path))
        assert media.fetch(f"https://{name}/1.jpg") == b"picture"
        with pytest.raises(TryLater, match="ConnectError"):  # its certificate is for another name
            media.fetch(f"https://other.test:{port}/1.jpg")
    assert host.asked == [name]


@contextmanager
def dripping(first: bytes, piece: bytes) -> Iterator[str]:
    """Run a server that sends `first`, then a chunk ten times a second without end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(first)
                    while not ended.wait(0.1):
                        connection.sendall(piece)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"."),
    ],
    ids=["nothing", "head", "body"],
)
def test_one_deadline_ends_a_slow_download(first: bytes, piece: bytes) -> None:
    with dripping(first, piece) as url, pytest.raises(TryLater, match="start_picture"):
        MediaDownloader(origin=url, deadline=0.5).fetch(f"{url}/1.jpg")


def test_an_unknown_name_is_retried_later() -> None:
    async def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(ThreadpaintError) as raised:
        MediaDownloader(resolve=unknown).fetch("https://pbs.twimg.com/1.jpg")
    assert isinstance(raised.value, TryLater)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.x.com", ""),
        ("https://api.twitter.com", ""),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://sandbox:8001", "http://sandbox:8001"),
    ],
)
def test_only_a_stand_in_for_x_is_trusted_with_pictures(url: str, origin: str) -> None:
    settings = load(XSettings, x_api_url=url, **KEYS)
    assert settings.media_origin == origin
    assert settings.media_hosts == {"pbs.twimg.com"}
