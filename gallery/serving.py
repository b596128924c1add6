"""uvicorn's server, which lets those go who listen to `/live` before it waits for answers under way. Knows no page."""

import socket

import uvicorn

from gallery.walls.hub import Hub


class Server(uvicorn.Server):
    """Streams never end by themselves: without this, every stop would wait for them until it may cancel them."""

    def __init__(self, config: uvicorn.Config, live: Hub) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, at once if nobody waits for a page."""
        self._live.close()
        await super().shutdown(sockets)
