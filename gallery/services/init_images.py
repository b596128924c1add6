"""Store init images that members upload: sanitized, and kept for a day under a name that only their owner can use.

file of the form | at most 10 MB | core.imaging.sanitize_init_image, two at a time | upload store | `own:<name>`
"""

import asyncio
import threading
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from core import imaging
from core.errors import Refused, TryLater
from core.reason_codes import message_for
from core.text import mark
from core.upload_store import UploadStore
from gallery.services.composer_policy import Rejected
from gallery.translations import gettext

MAX_FILE_BYTES = 10 * 1024 * 1024
# A form with a larger file is still read, so that its text is not lost.
MAX_FORM_BYTES = 32 * 1024 * 1024
FORM_FIELD = "init_image"
UPLOAD_PREFIX = "own:"
# Decoding a large picture takes up to 420 MB; core decodes one of those at a time.
_decode_slots = threading.BoundedSemaphore(2)
SLOT_TIMEOUT_SECONDS, SLOT_POLL_SECONDS = 4.0, 0.05
TOO_LARGE = mark("This file is larger than 10 MB. Choose a smaller one.")
MESSAGES = {
    "no_start_picture": mark("This file is not a picture we can read. Use JPEG, PNG, WebP, AVIF, HEIC or GIF."),
    "start_too_large": mark("Image too large: the limit is 67 megapixels for JPEG and 26 for others."),
    "start_too_slow": mark("This picture takes too long to read. Re-save it or try another image."),
}


def is_present(file: UploadFile | None) -> bool:
    """Return whether a form has a file. Browsers send an empty one if none was chosen."""
    return file is not None and bool(file.filename or file.size) and file.size != 0


async def save_upload(uploads: UploadStore, member_id: int, file: UploadFile | None) -> str:
    """Sanitize and store an uploaded picture. Return its form value. Raises Rejected if the file is not usable."""
    if file is None or not is_present(file):
        raise _rejected(MESSAGES["no_start_picture"])
    if (file.size or 0) > MAX_FILE_BYTES:
        raise _rejected(TOO_LARGE)
    data = await file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _rejected(TOO_LARGE)
    try:
        picture = await _sanitize(data)
        return UPLOAD_PREFIX + await run_in_threadpool(uploads.save, member_id, picture)
    except Refused as error:
        raise _rejected(MESSAGES.get(error.code) or message_for(error.code)) from error
    except TryLater as error:
        raise _rejected(mark("This picture could not be saved. Try again in a moment."), status=503) from error


async def _sanitize(data: bytes) -> bytes:
    """Decode and encode in a thread. The wait for a slot needs no thread, so it holds up no other request."""
    deadline = monotonic() + SLOT_TIMEOUT_SECONDS
    while not _decode_slots.acquire(blocking=False):
        if monotonic() > deadline:
            raise TryLater("busy", "other pictures are being read")
        await asyncio.sleep(SLOT_POLL_SECONDS)
    try:
        return await run_in_threadpool(imaging.sanitize_init_image, data)
    finally:
        _decode_slots.release()


def _rejected(message: str, status: int = 422) -> Rejected:
    return Rejected("no_start_picture", gettext(message), status=status, field=FORM_FIELD)
