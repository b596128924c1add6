"""Who asks: lets in who shows the token, and gives each caller the word by which the queue is fair. Knows headers."""

from __future__ import annotations

import hmac
import re

from fastapi import Request

from gpu.web.contract import Unpaintable

# A bot has one token and one address for all of its people; this tells them apart.
HEADER = "X-Caller"
_WORD = re.compile(r"[!-~]{1,64}")


class Unauthorised(Exception):
    """No token, or a wrong one."""


class Callers:
    """`token` None lets anybody paint, and believes anybody's word of who it is."""

    def __init__(self, token: str | None) -> None:
        self._expected = f"Bearer {token}".encode() if token else None

    def check(self, request: Request) -> None:
        """Raise Unauthorised unless the request shows the token, or none is asked for."""
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if self._expected is not None and not hmac.compare_digest(given, self._expected):
            raise Unauthorised

    def name(self, request: Request) -> str:
        """The word in X-Caller, else the peer's address. Raises Unauthorised, and Unpaintable for a word that is none:
        ignored, it would quietly throw its caller in with all others."""
        self.check(request)
        word = request.headers.get(HEADER)
        if word is None:
            return request.client.host if request.client else ""
        if not _WORD.fullmatch(word):
            raise Unpaintable((HEADER, "must be 1 to 64 printable ASCII characters without spaces"))
        return word
