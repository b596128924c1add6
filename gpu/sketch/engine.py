"""The sketch engine: an Engine without a model."""

from __future__ import annotations

from collections.abc import Sequence

from gpu.engine import BatchKey, EngineLimits, GeneratedImage, ImageRequest
from gpu.sketch.picture import sketch


class SketchEngine:
    """Needs no model and no GPU. It accepts steps, which have no effect."""

    model = "sketch"
    limits = EngineLimits(negative_prompt_min_guidance=None, supports_guidance=False, supports_steps=False)

    def load(self) -> None:
        """Do nothing: there is no model."""

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[GeneratedImage]:
        """Draw each image. The same prompt, seed and size give the same pixels."""
        return [
            GeneratedImage(
                sketch(
                    image.prompt,
                    image.seed,
                    key.width,
                    key.height,
                    init_image=image.init_image,
                    strength=key.strength,
                )
            )
            for image in images
        ]
