"""Keep the OAuth state in a short-lived signed cookie, which only the OAuth pages receive.

The cookie is SameSite=Lax: the browser comes back from X by a navigation that X starts.
"""

from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gallery.auth.x_oauth import STATE_MAX_AGE

PATH = "/auth"


class OAuthStateCookie:
    """Starlette's session middleware, for the OAuth pages only: no other page pays for it."""

    def __init__(self, app: ASGIApp, *, key: str, https_only: bool) -> None:
        self._app = app
        self._with_session = SessionMiddleware(
            app,
            secret_key=key,
            session_cookie="handshake",
            max_age=STATE_MAX_AGE,
            path=PATH,
            same_site="lax",
            https_only=https_only,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with `request.session` if it is for an OAuth page."""
        path = scope.get("path", "")
        is_oauth = scope["type"] == "http" and (path == PATH or path.startswith(f"{PATH}/"))
        await (self._with_session if is_oauth else self._app)(scope, receive, send)
