"""Serve pictures by their storage keys, and the static files of the site.

A key names its content and never changes its meaning, and its stem is the ETag. Still others may cache a picture for a
day only: within a day a deleted picture is gone everywhere.
"""

from fastapi import HTTPException, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from gallery.queries import file_access
from gallery.queries.run_query import run_query
from gallery.web.conditional import is_not_modified
from gallery.web.context import get_context
from gallery.web.current_user import get_current_user
from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router

router = page_router()
CACHE_IMMUTABLE = "public, max-age=31536000, immutable"
CACHE_ONE_DAY = "public, max-age=86400"
CACHE_PRIVATE = "private, no-cache"
MIME_TYPES = {"webp": "image/webp", "avif": "image/avif", "png": "image/png", "jpg": "image/jpeg"}


@router.get("/pictures/{key:path}")
async def picture(request: Request, key: str, context: ContextDep) -> Response:
    """Send the file of a picture that the current user may see. FileResponse answers range requests."""
    path = context.storage.path(key)
    cache = await _cache_control(request, key) if path else None
    if path is None or cache is None:
        raise HTTPException(404)
    headers = {"Cache-Control": cache, "ETag": f'"{path.stem}"'}
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=MIME_TYPES[path.suffix[1:]], headers=headers)


@router.get("/static/{version}/{name}")
async def static(request: Request, version: str, name: str, context: ContextDep) -> Response:
    """Send a static file. Another version gets the current file, but may not be cached."""
    file = context.renderer.static.get(name)
    if file is None:
        raise HTTPException(404)
    cache = CACHE_IMMUTABLE if version == file.version else "no-cache"
    headers = {"Cache-Control": cache, "ETag": f'"{file.version}"'}
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.gzipped, media_type=file.mime, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.mime, headers=headers)


@router.get("/favicon.svg")
@router.get("/favicon.ico")
async def favicon(context: ContextDep) -> Response:
    """Redirect to the versioned icon, for clients that do not read the pages."""
    return RedirectResponse(context.renderer.static["mark.svg"].path, status_code=307)


async def _cache_control(request: Request, key: str) -> str | None:
    """Return how the file may be cached; None if the current user may not see it."""
    engine = get_context(request).engine
    if await run_query(engine, file_access.is_public_file, key):
        return CACHE_ONE_DAY
    user = await get_current_user(request)
    if user.person is None:
        return None
    is_own = await run_query(engine, file_access.is_own_file, key, user.person.id)
    return CACHE_PRIVATE if is_own else None
