"""Render a page for the current user, and make the routers of pages."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from gallery.web.context import get_context
from gallery.web.current_user import cached_current_user, get_current_user
from gallery.web.flash import clear_flash, read_flash


class PageRoute(APIRoute):
    """A route that answers HEAD if it answers GET, as Starlette's own routes do."""

    def __init__(self, *args: Any, methods: list[str] | None = None, **kwargs: Any) -> None:
        methods = methods or ["GET"]
        super().__init__(*args, methods=[*methods, "HEAD"] if "GET" in methods else methods, **kwargs)


def page_router() -> APIRouter:
    """Return a router for HTML pages and forms, which the OpenAPI document does not list."""
    return APIRouter(include_in_schema=False, route_class=PageRoute, redirect_slashes=False)


async def render_page(request: Request, template: str, *, status: int = 200, **context: object) -> Response:
    """Render a template. It finds the current user as `current_user`."""
    user = cached_current_user(request) if status >= 500 else await get_current_user(request)
    flash = read_flash(request, user) if status < 400 else None
    shown = {"current_user": user, "flash": flash, **context}
    response = get_context(request).renderer.response(request, template, status, shown)
    if getattr(request.state, "no_store", False):
        response.headers["Cache-Control"] = "private, no-store"
    if flash is not None:
        clear_flash(response)
    return response
