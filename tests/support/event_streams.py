"""Read event streams of the gallery in threads, as browsers do."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.servers import wait_until


class Stream:
    """The events of one stream so far."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.status: int | None = None
        self.retry = 0  # milliseconds after which a browser reconnects
        self.headers: Mapping[str, str] = {}
        self.socket: socket.socket | None = None
        self.ended, self.ended_well = threading.Event(), False

    def disconnect(self) -> None:
        """Close the connection, as a browser does that closes the page."""
        if not self.ended.is_set() and self.socket is not None:
            self.socket.shutdown(socket.SHUT_RDWR)

    def named(self, name: str) -> Any:
        return [facts for found, facts in self.events if found == name]

    def first(self, name: str, within: int = 10) -> Any:
        return wait_until(lambda: self.named(name), f"no {name}", within=within)[0]


@contextmanager
def listening(address: str, query: str = "", **headers: Any) -> Iterator[Any]:
    """Read a stream in a thread until the end of the block."""
    stream = Stream()
    client = httpx.Client(trust_env=False, verify=False, timeout=20)
    thread = threading.Thread(target=_read, daemon=True, args=(client, stream, f"{address}/live{query}", headers))
    thread.start()
    wait_until(lambda: stream.status, "no stream")
    try:
        yield stream
    finally:
        stream.disconnect()
        thread.join(10)
        client.close()


def _read(client: httpx.Client, stream: Any, url: str, headers: dict[str, str] | None) -> None:
    try:
        with client.stream("GET", url, headers=headers) as answer:
            stream.socket = answer.extensions["network_stream"].get_extra_info("socket")
            stream.headers, stream.status = dict(answer.headers), answer.status_code
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    stream.events.append((name, json.loads(line[6:])))
                elif line.startswith("retry: "):
                    stream.retry = int(line[7:])
        stream.ended_well = True
    except httpx.HTTPError:
        pass  # hung up, or cut off
    finally:
        stream.ended.set()
