"""Let browsers install the site as an app: its manifest, and a page for when there is no connection.

The service worker stores the offline page and its few files, and nothing else: no page of a member is ever stored.
"""

import hashlib
import json

from fastapi import Request
from starlette.responses import JSONResponse, Response

from gallery.routers.share_target import SHARE_TARGET
from gallery.translations import current_language, gettext
from gallery.web.conditional import is_not_modified
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router
from gallery.web.users import ANONYMOUS

router = page_router()
OFFLINE_PATH = "/offline"
# Pages load these files without the query, so the service worker never answers for the files of other pages.
OFFLINE_FILES = ("gallery.css", "mark.svg", "offline.js")
ICONS = (("icon-192.png", "any"), ("icon-512.png", "any"), ("icon-maskable-512.png", "maskable"))
# As --bg in gallery.css.
PAPER = "#f5f5f3"


@router.get("/manifest.webmanifest")
async def manifest(request: Request, context: ContextDep) -> Response:
    """Describe the app."""
    content: dict[str, object] = {
        "id": "/",
        "name": "Threadpaint",
        "short_name": "Threadpaint",
        "description": gettext("Pictures by AI from people’s prompts: look around, remix them, and paint your own."),
        "lang": current_language(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": [_icon(context, name, purpose) for name, purpose in ICONS],
    }
    if request.app.state.oauth is not None:
        content["share_target"] = SHARE_TARGET
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    return JSONResponse(content, headers=headers, media_type="application/manifest+json")


@router.get("/service-worker.js")
async def service_worker(request: Request, context: ContextDep) -> Response:
    """Send the script with the addresses of its files. Browsers install it again if one of them changes."""
    script = context.renderer.static["service-worker.js"].content.decode()
    page = _offline_page(request, context).body
    files = [OFFLINE_PATH, *(f"{context.renderer.static[name].path}?offline" for name in OFFLINE_FILES)]
    version = hashlib.sha256(bytes(page) + script.encode()).hexdigest()[:12]
    headers = {"Cache-Control": "no-cache", "ETag": f'"{version}"', "Vary": "Accept-Language, Cookie"}
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    constants = f"const VERSION = {json.dumps(version)}, FILES = {json.dumps(files)}\n"
    return Response(constants + script, media_type="text/javascript", headers=headers)


@router.get(OFFLINE_PATH)
async def offline(request: Request, context: ContextDep) -> Response:
    """Show the page for when there is no connection, as everybody sees it."""
    return _offline_page(request, context)


def _offline_page(request: Request, context: AppContext) -> Response:
    values: dict[str, object] = {"current_user": ANONYMOUS, "theme": ""}
    return context.renderer.response(request, "offline.html", 200, values)


def _icon(context: AppContext, name: str, purpose: str) -> dict[str, str]:
    side = name.removesuffix(".png").rpartition("-")[2]
    return {
        "src": context.renderer.static[name].path,
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": purpose,
    }
