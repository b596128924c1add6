"""Serves files: pictures under their keys, the site's own static files. Knows no template and no SQL.

A key names its content and never changes its meaning. Still a picture may be kept by others for a day only: within a
day what its author takes back is gone everywhere, and who asks again with its ETag gets a 304.
"""

from functools import partial

from fastapi import HTTPException, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from gallery import queries, seen_files
from gallery.drawing import StaticFile
from gallery.house import house_of
from gallery.signing.visitor import visitor_of

FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
FOR_ITS_AUTHOR = "private, no-cache"
MIMES = {"webp": "image/webp", "avif": "image/avif", "png": "image/png", "jpg": "image/jpeg"}


async def picture(request: Request) -> Response:
    """A picture's file, while the picture hangs. FileResponse answers ranges; the key is the ETag."""
    key = str(request.path_params["key"])
    house = house_of(request)
    path = house.storage.path(key)
    cache = await _may_be_seen(request, key) if path else None
    if path is None or cache is None:
        raise HTTPException(404)
    headers = {"Cache-Control": cache, "ETag": f'"{path.stem}"'}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=MIMES[path.suffix[1:]], headers=headers)


async def _may_be_seen(request: Request, key: str) -> str | None:
    """How long a picture may be kept, None where who asks may not see it. What does not hang is for its author only."""
    engine = house_of(request).engine
    if await queries.ask(engine, partial(seen_files.is_shown, key=key)):
        return A_DAY
    visitor = await visitor_of(request)
    if visitor.person is None:
        return None
    own = await queries.ask(engine, partial(seen_files.is_own, key=key, viewer_id=visitor.person.id))
    return FOR_ITS_AUTHOR if own else None


async def static(request: Request) -> Response:
    """A stylesheet or the mark. An address of another version gives today's file, but nobody may keep it there."""
    file = house_of(request).drawing.static.get(str(request.path_params["name"]))
    if file is None:
        raise HTTPException(404)
    is_current = request.path_params["version"] == file.version
    return _static_response(request, file, FOR_EVER if is_current else "no-cache")


async def favicon(request: Request) -> Response:
    """Where browsers look on their own; the pages link to the versioned one."""
    return RedirectResponse(house_of(request).drawing.static["mark.svg"].path, status_code=307)


def _static_response(request: Request, file: StaticFile, cache: str) -> Response:
    headers = {"Cache-Control": cache, "ETag": f'"{file.version}"'}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.mime, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.mime, headers=headers)


def is_known(request: Request, etag: str) -> bool:
    """Whether who asks has it already."""
    tags = request.headers.get("if-none-match", "").split(",")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in tags)
