"""Draws a page for whoever looks: a template with its named context, and the visitor."""

from fastapi import Request
from starlette.responses import Response

from gallery.house import house_of
from gallery.signing.visitor import known_visitor, visitor_of


async def draw(request: Request, template: str, *, status: int = 200, **context: object) -> Response:
    """A page. Templates find who looks as `visitor`."""
    visitor = known_visitor(request) if status >= 500 else await visitor_of(request)
    response = house_of(request).drawing.page(request, template, status, {"visitor": visitor, **context})
    if getattr(request.state, "kept_nowhere", False):
        response.headers["Cache-Control"] = "private, no-store"
    return response
