"""Limits for reading an image: pixels and sides for memory, reads and CPU seconds for time.

Measured with Pillow 13 on one core of 2.4 GHz, at the limits below:

    JPEG  baseline    8160 x 6144   0.10 s    15 MB     decoded at a fraction of its size
    JPEG  progressive 8160 x 6144   0.62 s   300 MB     keeps all coefficients until its last scan
    WebP              6144 x 4096   0.6  s   400 MB     16 bytes a pixel
    PNG, AVIF         6144 x 4096   0.6  s   100, 230 MB
"""

import io
import threading
import time
from contextlib import AbstractContextManager, nullcontext

from .errors import TooLarge, TooSlow

# For cameras of 26 megapixels. WebP decides: 416 MB while it is read.
MAX_PIXELS = 26_000_000
# For phones of 64 megapixels. A JPEG is never decoded at full size.
MAX_JPEG_PIXELS = 8192 * 8192
# Pillow keeps a pointer per row: an image of one column would take 770 MB instead of 67.
MAX_SIDE = 16_384
# Larger images are read one at a time in a process.
LARGE_PIXELS = 4 * 1024 * 1024
# Ordinary files need a few thousand. Files of tiny chunks are read in Python, which blocks other threads.
MAX_READS = 100_000
# CPU seconds of this thread, so that a busy machine rejects no file. The largest ordinary file takes about 1, and
# machines may be four times slower.
MAX_SECONDS = 4.0

_one_large = threading.Lock()


class LimitExceeded(BaseException):
    """A BaseException, because Pillow treats an Exception as the end of a broken file and continues."""


class BoundedBytes(io.BytesIO):
    """Bytes that raise LimitExceeded after too many reads or too much CPU time: Pillow reads every chunk."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0
        self._until = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS or time.thread_time() > self._until:
            raise LimitExceeded
        return super().read(size)


def check_size(size: tuple[int, int], *, is_jpeg: bool) -> None:
    """Raise TooLarge if an image is too large to decode."""
    width, height = size
    limit = MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS
    if max(size) > MAX_SIDE:
        raise TooLarge(f"{width} x {height}: a side has at most {MAX_SIDE} pixels")
    if width * height > limit:
        raise TooLarge(f"{width} x {height}: at most {limit // 1_000_000} million pixels are read")


def large_image_lock(size: tuple[int, int], *, may_be_larger: bool) -> AbstractContextManager[object]:
    """Return the lock for a large image, or one that may be larger than its header says."""
    return _one_large if may_be_larger or size[0] * size[1] > LARGE_PIXELS else nullcontext()


def too_slow() -> TooSlow:
    """Return the error for a file that exceeds the limits of time."""
    return TooSlow("takes too long to read")
