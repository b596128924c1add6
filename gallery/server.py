"""Configure and run uvicorn for the gallery."""

import resource
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from gallery.services.live_updates import LiveHub
from gallery.web.connection_guard import GuardedProtocol, RequestGuardMiddleware

MAX_CONNECTIONS = 3_000
# For the database, pictures and logs.
RESERVED_FILES = 124


def raise_open_files_limit() -> int:
    """Raise this process's limit of open files as far as the connections need. Return the number of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # RLIM_INFINITY is -1.
    current, needed = soft if soft >= 0 else sys.maxsize, MAX_CONNECTIONS + RESERVED_FILES
    if current < needed:
        current = min(needed, hard) if hard >= 0 else needed
        resource.setrlimit(resource.RLIMIT_NOFILE, (current, hard))
    return min(MAX_CONNECTIONS, max(current // 2, current - RESERVED_FILES))


def server_config(app: FastAPI, **options: Any) -> uvicorn.Config:
    """Return the configuration of uvicorn, with bounds for hostile clients.

    WebSockets are off, because an upgrade would leave the guard behind. Event streams take at most half of the
    connections.
    """
    connections = raise_open_files_limit()
    live: LiveHub = app.state.live
    live.max_subscribers = min(live.max_subscribers, connections // 2)
    return uvicorn.Config(
        RequestGuardMiddleware(app), http=GuardedProtocol, ws="none", limit_concurrency=connections, **options
    )


class Server(uvicorn.Server):
    """uvicorn's server, which ends the event streams of `/live` first: a stop would wait for them."""

    def __init__(self, config: uvicorn.Config, live: LiveHub) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, at once if no response is under way."""
        self._live.close()
        await super().shutdown(sockets)
