"""Pictures that members choose to start from: read at once, kept for a day under a name that is theirs alone.

file of the form | at most 10 MB | core.imaging.as_start, two at a time | kept | `own:<name>`
"""

import asyncio
import threading
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from core import imaging
from core.errors import Refused, TryLater
from core.refusals import in_words
from core.uploads import Uploads
from gallery.composing.rules import NotNow

LARGEST = 10 * 1024 * 1024
# A form with a larger file than is taken is still read, so that its words are not lost.
LARGEST_FORM = 32 * 1024 * 1024
FIELD = "start"
OWN = "own:"
# A large picture takes up to 420 MB while it is read; core reads one of those at a time.
_reading = threading.BoundedSemaphore(2)
PATIENCE, ASKED_EVERY = 4.0, 0.05


def file_in(form: FormData) -> UploadFile | None:
    """The file of a form; browsers send an empty one where none was chosen."""
    file = form.get("file")
    return file if isinstance(file, UploadFile) and (file.filename or file.size) and file.size != 0 else None


async def keep(uploads: Uploads, member_id: int, file: UploadFile) -> str:
    """Read a chosen picture and keep it. Returns what names it in the form. Raises NotNow for what cannot be taken."""
    if (file.size or 0) > LARGEST:
        raise _no("This file is larger than 10 MB. Choose a smaller one.")
    data = await file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _no("This file is larger than 10 MB. Choose a smaller one.")
    try:
        picture = await _made_anew(data)
        return OWN + await run_in_threadpool(uploads.keep, member_id, picture)
    except Refused as error:
        raise _no(WORDS.get(error.code) or in_words(error.code)) from error
    except TryLater as error:
        raise _no("This picture could not be kept just now. Try again in a moment.", status=503) from error


WORDS = {
    "no_start_picture": "This file could not be read as a picture. JPEG, PNG, WebP, AVIF, HEIC and GIF can.",
    "start_too_large": "This picture has too many pixels. A JPEG may have 67 million, others 26 million.",
    "start_too_slow": "This picture takes too long to read. Save it anew, or choose another one.",
}


async def _made_anew(data: bytes) -> bytes:
    """Read in a thread. The turn for it is awaited without one: who waits must not hold up all others."""
    until = monotonic() + PATIENCE
    while not _reading.acquire(blocking=False):
        if monotonic() > until:
            raise TryLater("busy", "other pictures are being read")
        await asyncio.sleep(ASKED_EVERY)
    try:
        return await run_in_threadpool(imaging.as_start, data)
    finally:
        _reading.release()


def _no(words: str, status: int = 422) -> NotNow:
    return NotNow("no_start_picture", words, status=status, field=FIELD)
