"""Send the same protective headers with every response.

Scripts and styles come from this site's files only: a prompt that got past the escaping would still do nothing.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_security_policy(*directives: str) -> str:
    """Return the site's policy with more directives."""
    return "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",  # placeholders are data URLs
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            *directives,
        )
    )


SECURITY_HEADERS = {
    "Content-Security-Policy": content_security_policy(),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# If the public address is https, browsers use nothing else for a year. Its subdomains are not ours to decide.
HSTS = {"Strict-Transport-Security": "max-age=31536000"}
# For responses that say nothing about caching, such as errors.
NO_CACHE = {"Cache-Control": "no-cache"}


class SecurityHeaders:
    """Add headers to each response, unless the handler set them. Plain ASGI, because BaseHTTPMiddleware adds a task."""

    def __init__(self, app: ASGIApp, extra: Mapping[str, str] | None = None) -> None:
        self.app = app
        headers = SECURITY_HEADERS | NO_CACHE | dict(extra or {})
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                names = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(item for item in self._headers if item[0] not in names)]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
