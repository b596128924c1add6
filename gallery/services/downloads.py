"""Convert pictures for download, one at a time per process, so that downloads never take more than one core."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from core import imaging
from core.imaging import Provenance
from core.storage import Storage

# A download waits this long for others. The largest PNG takes 2 s.
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class DownloadFormat:
    """A file format: its extension and MIME type, and the function that makes it of a stored picture."""

    extension: str
    mime: str
    convert: Callable[[bytes, Provenance], bytes]


FORMATS = {
    "png": DownloadFormat("png", "image/png", imaging.make_png),
    "jpeg": DownloadFormat("jpg", "image/jpeg", imaging.make_jpeg),
    "webp": DownloadFormat("webp", imaging.MIME, imaging.make_webp),
}


class PictureConverter:
    """Converts in a thread. It keeps nothing: a deleted picture leaves no copy."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def convert(
        self, storage: Storage, key: str, file_format: DownloadFormat, provenance: Provenance
    ) -> bytes | None:
        """Return the file, or None if the picture is missing or broken.

        Raises TimeoutError if too many others come first, TryLater if the storage is away.
        """
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._lock.acquire()
        try:
            return await run_in_threadpool(_convert, storage, key, file_format, provenance)
        finally:
            self._lock.release()


def _convert(storage: Storage, key: str, file_format: DownloadFormat, provenance: Provenance) -> bytes | None:
    stored = storage.get(key)
    try:
        return file_format.convert(stored, provenance) if stored else None
    except Exception:  # Pillow raises many kinds of errors on a broken file
        return None
