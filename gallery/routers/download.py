"""Download a picture under a readable name: as stored, or as PNG or JPEG, each with its provenance in the file.

If the site knows its public address, the file names the page of its creation.
"""

import re
import unicodedata
from pathlib import PurePath
from urllib.parse import quote

from fastapi import HTTPException, Request
from starlette.responses import FileResponse, Response

from core.imaging import EXTENSION, Provenance
from core.text import clip
from gallery.routers.files import CACHE_ONE_DAY, CACHE_PRIVATE, MIME_TYPES
from gallery.services.downloads import FORMATS, DownloadFormat, PictureConverter
from gallery.views.creations import CreationView
from gallery.views.pictures import PictureView
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep, PathId
from gallery.web.lookups import VisibleCreationDep
from gallery.web.pages import page_router
from gallery.web.rate_limits import enforce_rate_limit

router = page_router()
MAX_NAME_LENGTH = 60
# Replaced with a dash; letters of all scripts stay.
NOT_WORD = re.compile(r"[^\w]+")


@router.get("/c/{creation_id}/download/{number}")
async def picture(
    request: Request, shown: VisibleCreationDep, number: PathId, context: ContextDep, format: str = ""
) -> Response:
    """Send a picture of a creation; `number` counts from 1. `format`: webp, png or jpeg; empty for the stored one."""
    if number > len(shown.pictures) or (format and format not in FORMATS):
        raise HTTPException(404)
    wanted = shown.pictures[number - 1]
    stored_extension = PurePath(wanted.key).suffix[1:]
    if format in ("", stored_extension) and not (context.public_url and stored_extension == EXTENSION):
        return _as_stored(context, shown, number, wanted)
    await enforce_rate_limit(request, "download")
    return await _converted(request, context, shown, number, FORMATS[format or EXTENSION])


def _as_stored(context: AppContext, shown: CreationView, number: int, wanted: PictureView) -> Response:
    path = context.storage.path(wanted.key)
    if path is None:
        raise HTTPException(404)
    extension = path.suffix[1:]
    return FileResponse(path, media_type=MIME_TYPES[extension], headers=_headers(shown, number, extension))


async def _converted(
    request: Request, context: AppContext, shown: CreationView, number: int, file_format: DownloadFormat
) -> Response:
    converter: PictureConverter = request.app.state.converter
    wanted = shown.pictures[number - 1]
    page_url = context.address(shown.path) if context.public_url else ""
    source = Provenance(shown.prompt, shown.person.display_name, shown.model or "", wanted.seed, page_url)
    try:
        body = await converter.convert(context.storage, wanted.key, file_format, source)
    except TimeoutError as error:
        raise HTTPException(503, headers={"Retry-After": "30"}) from error
    if body is None:
        raise HTTPException(404)
    return Response(body, media_type=file_format.mime, headers=_headers(shown, number, file_format.extension))


def _headers(shown: CreationView, number: int, extension: str) -> dict[str, str]:
    return {
        "Content-Disposition": content_disposition(download_name(shown, number), f".{extension}"),
        "Cache-Control": CACHE_ONE_DAY if shown.is_public else CACHE_PRIVATE,
    }


def download_name(shown: CreationView, number: int) -> str:
    """Return `a-lighthouse-at-night-threadpaint-17`, with `-2` for the second of several pictures."""
    words = NOT_WORD.sub("-", clip(shown.prompt, MAX_NAME_LENGTH)).strip("-")
    suffix = f"-{number}" if len(shown.pictures) > 1 else ""
    return f"{words}-threadpaint-{shown.id}{suffix}".lstrip("-")


def content_disposition(name: str, suffix: str) -> str:
    """Return the header with the name in ASCII for old clients, and in UTF-8 (RFC 6266)."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = re.sub(r"-{2,}", "-", ascii_name).strip("-")
    return f"attachment; filename=\"{ascii_name}{suffix}\"; filename*=UTF-8''{quote(name + suffix, safe='')}"
