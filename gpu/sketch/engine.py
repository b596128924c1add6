"""The sketch as an Engine: turns pieces into pictures. Knows no queue, no HTTP; the art is in its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from PIL.Image import Image

from gpu.engine import Key, Limits, Painting, Piece
from gpu.sketch.picture import sketch, sketch_over


class SketchEngine:
    """Needs no model and no GPU. Steps are accepted for the contract's sake and change nothing."""

    model = "sketch"
    limits = Limits(negative_above=None, guidance_counts=False, steps_count=False)

    def load(self) -> None:
        """Nothing to load."""

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting]:
        """Paint each piece; the same prompt, seed and size give the same pixels."""
        return [Painting(self._paint(key, piece)) for piece in pieces]

    @staticmethod
    def _paint(key: Key, piece: Piece) -> Image:
        if piece.start is None:
            return sketch(piece.prompt, piece.seed, key.width, key.height)
        return sketch_over(piece.start, piece.prompt, piece.seed, key.strength)
