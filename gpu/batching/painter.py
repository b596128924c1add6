"""Paints any number of pieces with an engine, in batches that fit its memory; a piece that fails, fails alone.

Knows no queue and no caller.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gpu.batching.batches import BatchSizes
from gpu.engine import FAILED, MEMORY, Engine, EngineBroken, Failure, Key, OutOfMemory, Painting, Piece
from gpu.places import place_of

log = logging.getLogger("gpu")

Result = Painting | Failure


class Painter:
    """Used by the engine thread only; `out_of_memory` (how often less had to be tried) is for anybody to read."""

    def __init__(self, engine: Engine) -> None:
        self.out_of_memory = 0
        self._engine = engine
        self._sizes = BatchSizes()

    def limit(self, key: Key) -> int:
        """Pictures of this key that are painted in one call."""
        return self._sizes.limit(self._engine.limits, key)

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Result]:
        """Return one result per piece, in their order. Raises EngineBroken."""
        done: list[Result] = []
        while len(done) < len(pieces):
            done += self._try(key, pieces[len(done) : len(done) + self.limit(key)])
        return done

    def _try(self, key: Key, pieces: Sequence[Piece]) -> Sequence[Result]:
        """Return their results, or nothing when they must be tried again as fewer."""
        try:
            return self._painted(key, pieces)
        except OutOfMemory:
            self.out_of_memory += 1
            self._sizes.did_not_fit(key, len(pieces))
            log.warning("out of memory pictures=%d width=%d height=%d", len(pieces), key.width, key.height)
            return [Failure(MEMORY)] if len(pieces) == 1 else []
        except EngineBroken:
            raise
        except Exception as error:
            log.error("painting failed pictures=%d %s", len(pieces), place_of(error))
            if len(pieces) == 1:
                return [Failure(FAILED)]
        half = len(pieces) // 2
        return [*self.paint(key, pieces[:half]), *self.paint(key, pieces[half:])]

    def _painted(self, key: Key, pieces: Sequence[Piece]) -> Sequence[Result]:
        results = self._engine.paint(key, pieces)
        if len(results) != len(pieces):
            raise RuntimeError(f"the engine painted {len(results)} of {len(pieces)} pieces")
        return results
