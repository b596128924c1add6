"""Redirect the addresses of earlier versions permanently to today's, with their query."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from gallery.web.forms import FORMER_NAMES
from gallery.web.pages import page_router

# 308 keeps the method: forms of pages that were open during an upgrade still work.
STATUS = 308
REDIRECTS = {
    "/c/{creation_id}/family": "/c/{creation_id}/remixes",
    "/c/{creation_id}/again": "/c/{creation_id}/rerun",
    "/colours": "/theme",  # codespell:ignore colours
    "/paint/start": "/uploads",
    "/paint/start/{name}": "/uploads/{name}",
    "/sign-in/x": "/auth/x/login",
    "/sign-in/back": "/auth/x/callback",
}
# By path: the query parameters with their new names, and values with the new ones. The handlers of these paths call
# `renamed_query_redirect`.
RENAMED_PARAMETERS = {
    "/top": {"of": "period"},
    "/paint": {old: new for new, old in FORMER_NAMES.items()},
    "/c/{creation_id}/comments": {"answer": "reply_to"},
}
RENAMED_VALUES = {"/me": {("only", "wall"): "public"}}

router = page_router()


def _redirect_to(new_path: str) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(request: Request) -> Response:
        parameters = {name: quote(value, safe="") for name, value in request.path_params.items()}
        query = request.scope["query_string"].decode("latin-1")
        return RedirectResponse(new_path.format(**parameters) + (f"?{query}" if query else ""), STATUS)

    return redirect


for old_path, new_path in REDIRECTS.items():
    router.add_api_route(old_path, _redirect_to(new_path), methods=["GET", "POST"])


def renamed_query_redirect(request: Request, path: str) -> Response | None:
    """Return a redirect if the query has an old name or value. `path`: that of the route, with its parameters."""
    names, values = RENAMED_PARAMETERS.get(path, {}), RENAMED_VALUES.get(path, {})
    query = request.query_params.multi_items()
    renamed = [(names.get(name, name), values.get((name, value), value)) for name, value in query]
    return RedirectResponse(f"{request.url.path}?{QueryParams(renamed)}", STATUS) if renamed != query else None
