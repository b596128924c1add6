"""Call a diffusers pipeline: translate a batch into the arguments that its class accepts."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from gpu.diffusion.pipeline_types import Pipeline
from gpu.engine import BatchKey, EngineLimits, ImageRequest

if TYPE_CHECKING:
    import torch


class PipelineCaller:
    """Calls one pipeline, text-to-image or image-to-image."""

    def __init__(self, pipeline: Pipeline, limits: EngineLimits) -> None:
        self.pipeline = pipeline
        self._limits = limits
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        # PRX repeats its timestep for two pictures, whatever the batch (diffusers 0.42).
        self._guides_alone = type(pipeline).__name__ == "PRXPipeline"
        self._zeros_for_no_negative = bool(pipeline.config.get("force_zeros_for_empty_prompt"))

    def groups(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[list[int]]:
        """Return the indices of the images that may share one call."""
        groups: dict[Hashable, list[int]] = {}
        for index, image in enumerate(images):
            alone = index if self._guides_alone and key.guidance > 1 else 0
            shared = (alone, self._reference(key, image), self._has_zero_negative(key, image))
            groups.setdefault(shared, []).append(index)
        return list(groups.values())

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> torch.Tensor:
        """Generate one group. Return a tensor (N, 3, height, width) in 0..1, on the device."""
        tensor: torch.Tensor = self.pipeline(**self._arguments(key, images)).images
        return tensor

    def _arguments(self, key: BatchKey, images: Sequence[ImageRequest]) -> dict[str, object]:
        import torch

        arguments: dict[str, object] = {
            # A new list, because Z-Image writes its chat into it.
            "prompt": [image.prompt for image in images],
            "num_inference_steps": key.steps,
            "guidance_scale": key.guidance,
            # On the CPU, a seed's noise is the same on every device. One generator each makes it the same in any batch.
            "generator": [torch.Generator("cpu").manual_seed(image.seed) for image in images],
            "width": key.width,
            "height": key.height,
            "output_type": "pt",
            # The size of the request, not the nearest one of the training.
            "use_resolution_binning": False,
            # SANA-Sprint's second timestep, which exists for two steps only.
            "intermediate_timesteps": 1.3 if key.steps == 2 else None,
        }
        if self._uses_negatives(key) and not self._has_zero_negative(key, images[0]):
            arguments["negative_prompt"] = [image.negative_prompt for image in images]
        if key.kind == "image":
            arguments |= self._init_image_arguments(key, images)
        return {name: value for name, value in arguments.items() if name in self._accepted}

    def _init_image_arguments(self, key: BatchKey, images: Sequence[ImageRequest]) -> dict[str, object]:
        if self.is_reference_based:
            return {"image": images[0].init_image}
        return {"image": [image.init_image for image in images], "strength": self._strength(key)}

    def _strength(self, key: BatchKey) -> float:
        """Return the strength of a whole number of steps.

        UNet families round the steps to run down, others up: 2 steps at 0.6 would start at pure noise.
        """
        return key.strength if hasattr(self.pipeline, "unet") else int(key.steps * key.strength) / key.steps

    @property
    def is_reference_based(self) -> bool:
        """Return whether the model reads an init image like the prompt, without strength."""
        return "strength" not in self._accepted

    def _reference(self, key: BatchKey, image: ImageRequest) -> int:
        """Return a group id: a reference-based call uses the same init image for all of its images."""
        return id(image.init_image) if key.kind == "image" and self.is_reference_based else 0

    def _has_zero_negative(self, key: BatchKey, image: ImageRequest) -> bool:
        """Return whether the negative embedding is zeros. SDXL encodes an empty string differently: no shared batch."""
        return self._zeros_for_no_negative and self._uses_negatives(key) and not image.negative_prompt

    def _uses_negatives(self, key: BatchKey) -> bool:
        min_guidance = self._limits.negative_prompt_min_guidance
        return min_guidance is not None and key.guidance > min_guidance
