"""The cookie of a sign-in that is under way: short-lived, signed, and seen by the pages of the sign-in alone.

The way back from X is a navigation that begins at X: the cookie is Lax. No other page pays for it.
"""

from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gallery.signing.x import HANDSHAKE_SECONDS

PATH = "/sign-in"


class HandshakeCookie:
    """Starlette's signed cookie, for the paths of the sign-in."""

    def __init__(self, app: ASGIApp, *, key: str, https_only: bool) -> None:
        self._app = app
        self._with_cookie = SessionMiddleware(
            app,
            secret_key=key,
            session_cookie="handshake",
            max_age=HANDSHAKE_SECONDS,
            path=PATH,
            same_site="lax",
            https_only=https_only,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with `request.session` where it belongs to a sign-in."""
        path = scope.get("path", "")
        is_theirs = scope["type"] == "http" and (path == PATH or path.startswith(f"{PATH}/"))
        await (self._with_cookie if is_theirs else self._app)(scope, receive, send)
