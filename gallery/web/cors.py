"""Let scripts of other sites read what is made for programs: the API, feeds, oEmbed.

Only to read, and never as a member: without `Access-Control-Allow-Credentials` browsers send no cookie along.
Starlette's CORSMiddleware applies to all paths and sends its header only if the request has an `Origin`. A shared cache
would then serve the response without it to other sites.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC_PATHS = re.compile(r"/api(/.*)?|/oembed|/(.*/)?(feed|search)\.(atom|json)", re.DOTALL)
ALLOW_ORIGIN = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT_HEADERS = ALLOW_ORIGIN | {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class PublicCors:
    """Plain ASGI middleware for the public paths."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and allow other origins to read the response to a public path."""
        if scope["type"] != "http" or not PUBLIC_PATHS.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT_HEADERS)(scope, receive, send)
            return

        async def send_public(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALLOW_ORIGIN)
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        await self.app(scope, receive, send_public)
