"""Compresses answers for who takes gzip. Streams of events and pictures are left as they are. Knows no page.

Form tokens are never the same twice, so that what is compressed beside them gives nothing away.
"""

from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST = 1_000
LEVEL = 5


class Packing:
    """Starlette's own, but for what it would swallow: tests learn of templates by messages it does not know."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back in less bytes."""
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
            return
        left_alone = DEFAULT_EXCLUDED_CONTENT_TYPES
        responder = _Responder(self.app, SMALLEST, compresslevel=LEVEL, exclude_content_types=left_alone)
        await responder(scope, receive, send)


class _Responder(GZipResponder):
    async def send_with_compression(self, message: Message) -> None:
        if message["type"] == "http.response.debug":
            await self.send(message)
            return
        await super().send_with_compression(message)
