"""The batch sizes of a compiled model: 1, 2, 4, 8 ...

torch.compile compiles again for each new batch size, for up to minutes, while callers wait. So a compiled engine
generates only a few sizes, and drops the surplus images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def bucket_sizes(limit: int) -> list[int]:
    """Return the powers of two below `limit`, and `limit` itself: 6 gives 1, 2, 4, 6."""
    sizes = []
    size = 1
    while size < limit:
        sizes.append(size)
        size *= 2
    return [*sizes, limit]


def pad_to_bucket(items: Sequence[T], limit: int) -> list[T]:
    """Return the items, the last one repeated up to the next bucket. Above `limit`, buckets are powers of two."""
    size = next((size for size in bucket_sizes(limit) if size >= len(items)), 0)
    size = size or 1 << (len(items) - 1).bit_length()
    return [*items, *[items[-1]] * (size - len(items))]
