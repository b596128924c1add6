"""Protect the page and the control API from other sites that a browser on this machine visits.

A form of any site could post here, and DNS rebinding (a public name that resolves to 127.0.0.1) could read. X's API
(/2, /1.1) needs no such check: its calls are signed, which other sites cannot do.
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


class SameSiteMiddleware:
    """Middleware. `hosts`: allowed host names beside IP addresses and names without a dot."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 421 (unknown host) or 403 (page of another site)."""
        if scope["type"] != "http" or scope["path"].startswith(SIGNED):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = _name_in(headers.get("host", ""))
        if not (_is_local(name) or name in self._hosts):
            refusal = f"The sandbox is not called {name!r}. If it is, set SANDBOX_HOSTS='[\"{name}\"]'."
            await PlainTextResponse(refusal, 421)(scope, receive, send)
        elif scope["method"] not in SAFE and not _is_own(headers):
            await PlainTextResponse("Requests from pages of other sites are not allowed.", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _name_in(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return "?"


def _is_local(name: str) -> bool:
    """Return whether the name cannot be registered in the public DNS. HTTP/1.0 clients send none."""
    if "." not in name or name.endswith(".localhost"):
        return name != "?"
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_own(headers: Headers) -> bool:
    """Return whether the headers that browsers add name a page of the sandbox. Other clients send none."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or _authority(origin) == headers.get("host", "").lower()


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
