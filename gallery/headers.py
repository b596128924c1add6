"""Sends the same protective headers with every answer. Knows no page.

Scripts and styles come from this site's files only: a prompt that got past the escaping would still do nothing.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # the placeholders are data addresses
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# If the public address is https, browsers use nothing else for a year. Its subdomains are not ours to decide.
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
UNASKED = (b"cache-control", b"no-cache")


class SecurityHeaders:
    """Plain ASGI: Starlette's BaseHTTPMiddleware would cost a task per request."""

    def __init__(self, app: ASGIApp, more: Mapping[str, str] | None = None) -> None:
        self.app = app
        sent = SECURITY | dict(more or {})
        # As they go over the wire: put together once, not for every answer.
        self._sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
        self._names = {name for name, _ in self._sent}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message.get("headers", ()) if header[0].lower() not in self._names]
                headers += self._sent
                if all(name.lower() != b"cache-control" for name, _ in headers):
                    headers.append(UNASKED)  # errors and JSON, too: nobody keeps them unasked
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
