"""Keep other sites away from the page and the control API: a browser on this machine visits them, too.

A form of any site could post here, and a name whose owner lets it lead to 127.0.0.1 (DNS rebinding) could read. X's own
API (/2, /1.1) is left alone: its calls are signed, which no foreign page can do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SIGNED = ("/2/", "/1.1/")
SAFE = ("GET", "HEAD", "OPTIONS")


class OwnPagesOnly:
    """`hosts`: names it has beside those of this machine, addresses and names without a dot."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 (another's name) or 403 (another's page)."""
        if scope["type"] != "http" or scope["path"].startswith(SIGNED):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = _name_in(headers.get("host", ""))
        if not (_is_local(name) or name in self._hosts):
            refusal = f"The sandbox is not called {name!r}. If it is, set SANDBOX_HOSTS='[\"{name}\"]'."
            await PlainTextResponse(refusal, 421)(scope, receive, send)
        elif scope["method"] not in SAFE and not _is_own(headers):
            await PlainTextResponse("A page of another site may not do this.", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _name_in(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return "?"


def _is_local(name: str) -> bool:
    """Whether nobody can own this name in the public DNS. Programs that speak HTTP/1.0 give none."""
    if "." not in name or name.endswith(".localhost"):
        return name != "?"
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_own(headers: Headers) -> bool:
    """By what browsers say of the page that asks; programs say nothing."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or _authority(origin) == headers.get("host", "").lower()


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
