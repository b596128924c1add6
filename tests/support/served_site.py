"""The gallery over real HTTP, served as `python -m gallery` serves it."""

import threading

import uvicorn

from gallery.connections import limited
from gallery.serving import Server
from tests.support.servers import wait_until


class Served:
    """The site on a port of its own."""

    def __init__(self, app):
        self.app = app
        self.server = Server(
            uvicorn.Config(**limited(app), port=0, log_level="error", timeout_graceful_shutdown=5), app.state.live
        )
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        wait_until(lambda: self.server.started, "not served")
        self.address = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)
