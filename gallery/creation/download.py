"""A picture to take along: its file as it is, with what it says of its origin inside, under a name that speaks.

Knows no SQL and no template.
"""

import re
import unicodedata
from urllib.parse import quote

from fastapi import HTTPException, Request
from starlette.responses import FileResponse, Response

from core.text import clip
from gallery.creation.pages import creation_in
from gallery.files import A_DAY, FOR_ITS_AUTHOR, MIMES
from gallery.house import house_of
from gallery.numbers import number_in
from gallery.shown import CreationShown

LONGEST_NAME = 60
# What no file system or shell has to be asked about; everything else of the prompt stays as it is written.
AWKWARD = re.compile(r"[^\w]+")


async def picture(request: Request) -> Response:
    """`/c/17/download/2`: the second picture. Raises HTTPException 404 where there is none such."""
    shown = await creation_in(request)
    number = number_in(str(request.path_params["number"]))
    if not 0 < number <= len(shown.pictures):
        raise HTTPException(404)
    path = house_of(request).storage.path(shown.pictures[number - 1].url.removeprefix("/pictures/"))
    if path is None:
        raise HTTPException(404)
    headers = {
        "Content-Disposition": disposition(name_of(shown, number), path.suffix),
        "Cache-Control": A_DAY if shown.hangs else FOR_ITS_AUTHOR,
    }
    return FileResponse(path, media_type=MIMES[path.suffix[1:]], headers=headers)


def name_of(shown: CreationShown, number: int) -> str:
    """`a-lighthouse-at-night-threadpaint-17`; with `-2` for the second of several."""
    words = AWKWARD.sub("-", clip(shown.prompt, LONGEST_NAME)).strip("-")
    which = f"-{number}" if len(shown.pictures) > 1 else ""
    return f"{words}-threadpaint-{shown.id}{which}".lstrip("-")


def disposition(name: str, suffix: str) -> str:
    """The header that names a download: in ASCII for old programs, in UTF-8 for all others."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"-{2,}", "-", plain).strip("-")
    return f"attachment; filename=\"{plain}{suffix}\"; filename*=UTF-8''{quote(name + suffix, safe='')}"
