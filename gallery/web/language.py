"""Choose the language of each request: that of the visitor's cookie, else the first of Accept-Language that exists."""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gallery.translations import LANGUAGES, choose_language, use_language

LANGUAGE_COOKIE = "language"


class LanguageMiddleware:
    """Plain ASGI middleware: set the language for the request, and say in the response that it depends on it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on in its language."""
        if scope["type"] != "http" or len(LANGUAGES) == 1:
            await self._app(scope, receive, send)
            return
        language = _language_of(HTTPConnection(scope))

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Language"] = language
                    headers.add_vary_header("Accept-Language")
            await send(message)

        with use_language(language):
            await self._app(scope, receive, send_with_language)


def _language_of(connection: HTTPConnection) -> str:
    preferred = connection.cookies.get(LANGUAGE_COOKIE, "")
    return choose_language(preferred, connection.headers.get("accept-language", ""))
