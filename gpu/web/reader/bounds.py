"""Bounds on what reading a picture may cost: pixels and sides for the memory, reads and CPU seconds for the time.

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

# What cameras of 26 megapixels make. WebP decides: 416 MB while it is read.
MAX_PIXELS = 26_000_000
# What telephones of 64 megapixels make. A JPEG is never unfolded whole.
MAX_JPEG_PIXELS = 8192 * 8192
# A picture of one column has a pointer per pixel beside it: 770 MB where 67 were meant.
MAX_SIDE = 16_384
# Larger ones are read one at a time in a process.
LARGE_PIXELS = 4 * 1024 * 1024
# Honest files need a few thousand. Files made of tiny chunks are read in Python, which holds up other threads.
MAX_READS = 100_000
# CPU seconds of this thread, so that a busy machine refuses nobody. The largest honest file takes about 1; machines
# may be four times slower.
MAX_SECONDS = 4.0

_one_large = threading.Lock()


class OutOfPatience(BaseException):
    """Derives from BaseException because Pillow takes an Exception for the end of a broken file, and goes on."""


class BoundedBytes(io.BytesIO):
    """Bytes that stop the reader after too many reads or too much CPU time: Pillow asks for every chunk."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0
        self._until = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS or time.thread_time() > self._until:
            raise OutOfPatience
        return super().read(size)


def check_size(size: tuple[int, int], *, is_jpeg: bool) -> None:
    """Raise TooLarge for a picture that is too large to be decoded."""
    width, height = size
    limit = MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS
    if max(size) > MAX_SIDE:
        raise TooLarge(f"{width} x {height}: a side has at most {MAX_SIDE} pixels")
    if width * height > limit:
        raise TooLarge(f"{width} x {height}: at most {limit // 1_000_000} million pixels are read")


def turn_of(size: tuple[int, int], *, may_lie: bool) -> AbstractContextManager[object]:
    """Held while a large picture is read, or one that may be larger than it says."""
    return _one_large if may_lie or size[0] * size[1] > LARGE_PIXELS else nullcontext()


def too_slow() -> TooSlow:
    """The error for a file that ran out of patience."""
    return TooSlow("takes too long to read")
