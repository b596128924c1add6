"""Download a picture: its file as stored, with its metadata, under a readable name."""

import re
import unicodedata
from urllib.parse import quote

from fastapi import HTTPException
from starlette.responses import FileResponse

from core.text import clip
from gallery.routers.files import CACHE_ONE_DAY, CACHE_PRIVATE, MIME_TYPES
from gallery.views.creations import CreationView
from gallery.web.dependencies import ContextDep, PathId
from gallery.web.lookups import VisibleCreationDep
from gallery.web.pages import page_router

router = page_router()
MAX_NAME_LENGTH = 60
# Replaced with a dash; letters of all scripts stay.
NOT_WORD = re.compile(r"[^\w]+")


@router.get("/c/{creation_id}/download/{number}")
async def picture(shown: VisibleCreationDep, number: PathId, context: ContextDep) -> FileResponse:
    """Send a picture of a creation; `number` counts from 1."""
    if number > len(shown.pictures):
        raise HTTPException(404)
    path = context.storage.path(shown.pictures[number - 1].key)
    if path is None:
        raise HTTPException(404)
    headers = {
        "Content-Disposition": content_disposition(download_name(shown, number), path.suffix),
        "Cache-Control": CACHE_ONE_DAY if shown.is_public else CACHE_PRIVATE,
    }
    return FileResponse(path, media_type=MIME_TYPES[path.suffix[1:]], headers=headers)


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
