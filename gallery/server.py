"""Configure and run uvicorn for the gallery."""

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from gallery.services.live_updates import LiveHub
from gallery.web.connection_guard import GuardedProtocol, RequestGuardMiddleware

# Below the usual limit of 1,024 open files. Each open feed takes one connection, for its event stream.
MAX_CONNECTIONS = 900


def server_config(app: FastAPI, **options: Any) -> uvicorn.Config:
    """Return the configuration of uvicorn, with bounds for hostile clients.

    WebSockets are off, because an upgrade would leave the guard behind.
    """
    return uvicorn.Config(
        RequestGuardMiddleware(app), http=GuardedProtocol, ws="none", limit_concurrency=MAX_CONNECTIONS, **options
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
