"""Lets scripts of other sites read what is made for machines: the API, feeds, oEmbed. Knows no page.

Only to read, and never as a member: without `Access-Control-Allow-Credentials` browsers send no cookie along.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = re.compile(r"/api(/.*)?|/oembed|/(.*/)?(feed|search)\.(atom|json)", re.DOTALL)
ALLOWED = {"Access-Control-Allow-Origin": "*"}
ASKED_BEFORE = ALLOWED | {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class OpenToScripts:
    """Plain ASGI, as `SecurityHeaders` is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; allow its answer to be read from everywhere where it is for machines."""
        if scope["type"] != "http" or not OPEN.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=ASKED_BEFORE)(scope, receive, send)
            return

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALLOWED)
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        await self.app(scope, receive, send_open)
