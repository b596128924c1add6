"""Serve the gallery over real HTTP, as `python -m gallery` does."""

import threading
from typing import Any

from gallery.server import Server, server_config
from tests.support.servers import wait_until


class Served:
    """The gallery on a free port."""

    def __init__(self, app: Any) -> None:
        self.app = app
        config = server_config(app, port=0, log_level="error", timeout_graceful_shutdown=5)
        self.server = Server(config, app.state.live)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        wait_until(lambda: self.server.started, "not served")
        self.address = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
