"""Paints any number of pieces with an engine, in batches that fit its memory. Knows no queue and no caller."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gpu.batching.batches import BatchSizes
from gpu.engine import Engine, Key, OutOfMemory, Painting, Piece

log = logging.getLogger("gpu")


class Painter:
    """Used by the engine thread only; `out_of_memory` (how often less had to be tried) is for anybody to read."""

    def __init__(self, engine: Engine) -> None:
        self.out_of_memory = 0
        self._engine = engine
        self._sizes = BatchSizes()

    def limit(self, key: Key) -> int:
        """Pictures of this key that are painted in one call."""
        return self._sizes.limit(self._engine.limits, key)

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting | None]:
        """The paintings in the order of the pieces; None for a piece that does not fit even alone.

        Raises what the engine raises, OutOfMemory aside.
        """
        done: list[Painting | None] = []
        while len(done) < len(pieces):
            done += self._try(key, pieces[len(done) : len(done) + self.limit(key)])
        return done

    def _try(self, key: Key, pieces: Sequence[Piece]) -> Sequence[Painting | None]:
        """Their paintings, or nothing when they must be tried again as fewer."""
        try:
            paintings = self._engine.paint(key, pieces)
        except OutOfMemory:
            self.out_of_memory += 1
            self._sizes.did_not_fit(key, len(pieces))
            log.warning("out of memory pictures=%d width=%d height=%d", len(pieces), key.width, key.height)
            return [None] if len(pieces) == 1 else []
        if len(paintings) != len(pieces):
            raise RuntimeError(f"the engine painted {len(paintings)} of {len(pieces)} pieces")
        return paintings
