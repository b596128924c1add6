"""Check the bearer token of a request."""

from __future__ import annotations

import hmac

from fastapi import Request


class Unauthorized(Exception):
    """The request has no token, or a wrong one."""


class CallerAuth:
    """A dependency of the routes that need the token. Without a token (None) every caller is authorized."""

    def __init__(self, token: str | None) -> None:
        self._expected = f"Bearer {token}".encode() if token else None

    async def __call__(self, request: Request) -> None:
        """Raise Unauthorized unless the request shows the token."""
        header = request.headers.get("authorization", "").encode("latin-1", "replace")
        if self._expected is not None and not hmac.compare_digest(header, self._expected):
            raise Unauthorized
