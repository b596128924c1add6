"""How one pipeline is asked: key and pieces become the arguments of its call, as its class names them.

Knows the signatures of diffusers' pipelines; knows no device, no speed and no queue.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Sequence
from typing import Any

from gpu.engine import Key, Limits, Piece


class Calls:
    """The call of one pipeline, text-to-image or image-to-image."""

    def __init__(self, pipeline: Any, limits: Limits) -> None:
        self.pipeline = pipeline
        self._limits = limits
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        self._zeros_for_no_negative = bool(pipeline.config.get("force_zeros_for_empty_prompt"))

    def groups(self, key: Key, pieces: Sequence[Piece]) -> list[list[int]]:
        """Indices of the pieces that may share one call."""
        groups: dict[Hashable, list[int]] = {}
        for index, piece in enumerate(pieces):
            groups.setdefault((self._reference(key, piece), self._silent(key, piece)), []).append(index)
        return list(groups.values())

    def paint(self, key: Key, pieces: Sequence[Piece]) -> Any:
        """One call for one group: a tensor (N, 3, height, width) in 0..1, on the device."""
        return self.pipeline(**self._arguments(key, pieces)).images

    def _arguments(self, key: Key, pieces: Sequence[Piece]) -> dict[str, Any]:
        import torch

        asked: dict[str, Any] = {
            # A fresh list: Z-Image writes its chat into the one it is given.
            "prompt": [piece.prompt for piece in pieces],
            "num_inference_steps": key.steps,
            "guidance_scale": key.guidance,
            # Drawn on the CPU, the noise of a seed is the same on every device; one for each, in every batch.
            "generator": [torch.Generator("cpu").manual_seed(piece.seed) for piece in pieces],
            "width": key.width,
            "height": key.height,
            "output_type": "pt",
        }
        if self._looks_at_negatives(key) and not self._silent(key, pieces[0]):
            asked["negative_prompt"] = [piece.negative_prompt for piece in pieces]
        if key.kind == "image":
            asked |= self._image(key, pieces)
        return {name: value for name, value in asked.items() if name in self._accepted}

    def _image(self, key: Key, pieces: Sequence[Piece]) -> dict[str, Any]:
        if self.by_reference:
            return {"image": pieces[0].start}
        return {"image": [piece.start for piece in pieces], "strength": key.strength}

    @property
    def by_reference(self) -> bool:
        """Whether an image is read like the prompt, in place of being painted over from some strength on."""
        return "strength" not in self._accepted

    def _reference(self, key: Key, piece: Piece) -> int:
        """Who paints by reference shows every picture of a call the same images: only pieces of one image share."""
        return id(piece.start) if key.kind == "image" and self.by_reference else 0

    def _silent(self, key: Key, piece: Piece) -> bool:
        """SDXL takes no negative prompt for zeros and an empty one for words: in one call all would have words."""
        return self._zeros_for_no_negative and self._looks_at_negatives(key) and not piece.negative_prompt

    def _looks_at_negatives(self, key: Key) -> bool:
        above = self._limits.negative_above
        return above is not None and key.guidance > above
