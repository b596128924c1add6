"""Sizes of batches that a compiled model knows: 1, 2, 4, 8 ... and what is padded to reach one. Pure.

A new size of batch makes torch.compile compile again, for up to minutes, while everybody waits. So a compiled engine
paints a few sizes only, and drops the surplus pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def buckets(limit: int) -> list[int]:
    """The sizes up to `limit`, itself included: 6 gives 1, 2, 4, 6."""
    sizes = []
    size = 1
    while size < limit:
        sizes.append(size)
        size *= 2
    return [*sizes, limit]


def padded(pieces: Sequence[T], limit: int) -> list[T]:
    """The pieces, the last one repeated up to the next bucket. More than `limit` of them go on in powers of two."""
    size = next((size for size in buckets(limit) if size >= len(pieces)), 0)
    size = size or 1 << (len(pieces) - 1).bit_length()
    return [*pieces, *[pieces[-1]] * (size - len(pieces))]
