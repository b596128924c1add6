"""How many pictures go into one batch. Pure: knows limits and keys; knows no engine, no queue and no thread."""

from __future__ import annotations

from gpu.engine import Key, Limits

# More pictures than this gain nothing on any card we know of, and everybody in the batch waits for all of them.
MOST = 64


def pictures_that_fit(limits: Limits, key: Key) -> int:
    """`limits.batch` pictures of the model's own size, of smaller ones more and of larger ones fewer, by area."""
    own = limits.width * limits.height
    return max(1, min(MOST, limits.batch * own // (key.width * key.height)))


class BatchSizes:
    """Remembers, for as long as it lives, at which sizes the device turned out smaller than the limits say."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, bool], int] = {}

    def limit(self, limits: Limits, key: Key) -> int:
        """Pictures of this key in one batch, at least 1."""
        return min(pictures_that_fit(limits, key), self._found.get(_shape(key), MOST))

    def did_not_fit(self, key: Key, pictures: int) -> None:
        """So many were too many: from now on half of them at most, and never more than was found before."""
        shape = _shape(key)
        self._found[shape] = max(1, min(pictures // 2, self._found.get(shape, MOST)))


def _shape(key: Key) -> tuple[str, int, int, bool]:
    """What memory depends on: with guidance every picture is computed twice at once; steps come one after another."""
    return key.kind, key.width, key.height, key.guidance > 1
