"""Real servers for the tests: an ASGI app in a thread, and the embedded queue server as a process."""

import atexit
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.support.child_processes import ROOT, child_environment, empty_folder, stop_process

__all__ = ["ROOT", "free_port", "on_shared_server", "process", "serving", "serving_tls", "wait_until"]


def free_port() -> int:
    """Return a port that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving_tls(app: Any, folder: Path) -> Iterator[str]:
    """Serve an app with a self-signed certificate. Needs `openssl`."""
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:media.test", "-days", "1"]
    subprocess.run([*made, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with serving(app, ssl_keyfile=key, ssl_certfile=certificate) as url:
        yield url.replace("http:", "https:")


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[str]:
    """Serve an ASGI app over real HTTP and yield its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1, **settings))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server did not start")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(5)


class AppServer:
    """A running HTTP server whose ASGI app can be replaced: one server for the whole run, one app for each test."""

    def __init__(self, app: Any = None) -> None:
        self.app = app
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextmanager
def app_server(app: Any = None) -> Iterator[AppServer]:
    """Start the server. Without an app, the caller sets one before the first request."""
    server = AppServer(app)
    with serving(server, lifespan="on" if app else "off") as url:
        server.url = url
        yield server


_idle_servers: list[AppServer] = []
_running_servers = ExitStack()
atexit.register(_running_servers.close)


@contextmanager
def on_shared_server(app: Any) -> Iterator[str]:
    """Serve an ASGI app that needs no lifespan, on a server that later callers use again. Yield its address.

    To start and stop a server takes 0.15 s, and 1 s more if a request still waits for its response.
    """
    server = _idle_servers.pop() if _idle_servers else _running_servers.enter_context(app_server())
    server.app = app
    try:
        yield server.url
    finally:
        _idle_servers.append(server)


@contextmanager
def process(
    *command: str, environment: Mapping[str, str], log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m ...` with this environment alone, in an empty folder, and end it afterwards."""
    output = log.open("ab") if log else subprocess.DEVNULL
    child = subprocess.Popen(
        [sys.executable, *command],
        env=child_environment(**environment),
        cwd=empty_folder(),
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        yield child
    finally:
        stop_process(child)


def wait_until(condition: Any, message: Any, *, within: float = 30.0) -> Any:
    """Call `condition` until it is true and return its value. `message`: a text, or a function that returns one."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (httpx.HTTPError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(message() if callable(message) else message)
