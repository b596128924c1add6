"""Real servers for the tests: an ASGI app in a thread, and the embedded queue server as a process."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.support.children import ROOT, child_environment, empty_folder

__all__ = ["ROOT", "free_port", "process", "serving", "serving_tls", "wait_until"]


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving_tls(app: Any, folder: Path) -> Iterator[str]:
    """The same behind a certificate that nobody vouches for. Needs `openssl`."""
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
        child.terminate()
        try:
            child.wait(8)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until(condition: Any, message: Any, *, within: float = 30.0) -> Any:
    """Call `condition` until it is true and return its value. `message`: a text, or what makes it at the end."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (httpx.HTTPError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(message() if callable(message) else message)
