"""The safety check of Stable Diffusion: CLIP's image encoder, and concepts that an image must not come near.

It uses the weights of `StableDiffusionSafetyChecker` (CLIP ViT-L/14 and 20 vectors), but not its code: that one waits
for the device twenty times per image and blackens what it flags. Here a batch is one forward pass and one copy back.

It was made for sexual content and finds nothing else (Rando et al. 2022, arXiv 2210.04610). So prompts need a filter of
their own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.diffusion.runtime_errors import classify_error
from gpu.diffusion.tuning import resolve_device
from gpu.engine import OutOfMemory, SafetyResult
from gpu.safety.scores import Concepts, to_safety_results

if TYPE_CHECKING:
    import torch

log = logging.getLogger("gpu")

# Mean and deviation of CLIP's training images, per channel (RGB, 0 to 1).
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class ClipChecker:
    """A SafetyChecker with the weights at `source`, at a `revision` of it.

    `source` is a folder, a pipeline's folder with a `safety_checker` in it, or a model id. `device` is cuda, mps or
    cpu; None means the best.
    """

    def __init__(self, source: str, *, device: str | None = None, revision: str | None = None) -> None:
        self._source, self._revision = source, revision
        self._device = device
        # Numbers of an embedding, once loaded.
        self.width = 0

    def load(self) -> None:
        """Load the weights. Raises RuntimeError that names the settings if they are missing or incomplete."""
        import torch

        device = resolve_device(self._device)
        model = self._weights().eval()
        self.width = int(model.config.projection_dim)
        self._side = int(model.config.vision_config.image_size)
        self._special = _concepts(model.special_care_embeds, model.special_care_embeds_weights)
        self._concepts = _concepts(model.concept_embeds, model.concept_embeds_weights)
        # fp16 halves time and memory on CUDA. The concepts keep their precision.
        self._model = model.to(device, torch.float16 if device == "cuda" else torch.float32)
        self._mean, self._deviation = (torch.tensor(v, device=device).view(3, 1, 1) for v in (_MEAN, _DEVIATION))
        # Its own stream, so that it does not wait for the engine, which generates the next batch meanwhile.
        stream: Any = torch.cuda.Stream
        self._stream = stream(device) if device == "cuda" else None
        # The first pass takes several times as long as later ones, and shows that the check works at all.
        self.check([Image.new("RGB", (self._side, self._side))])
        log.info("safety check ready device=%s", device)

    def _weights(self) -> Any:
        import torch
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

        folder = Path(self._source)
        subfolder = {"subfolder": "safety_checker"} if (folder / "safety_checker").is_dir() else {}
        options = {"local_files_only": True} if folder.is_dir() else {"revision": self._revision}
        kind: Any = StableDiffusionSafetyChecker
        try:
            model, info = kind.from_pretrained(
                self._source, dtype=torch.float32, output_loading_info=True, **options, **subfolder
            )
        except Exception as error:
            raise _no_weights(self._source, "cannot be loaded") from error
        # The library fills missing weights at random, with only a line in the log.
        if missing := [*info["missing_keys"], *info["mismatched_keys"]]:
            raise _no_weights(self._source, f"lack {len(missing)} of their parts")
        return model

    def check(self, images: Sequence[Image.Image]) -> list[SafetyResult]:
        """Return one result per image (RGB, any size), in their order, with one forward pass if all fit.

        Raises EngineBroken if the device failed, and OutOfMemory if not even one image fits.
        """
        return to_safety_results(self._embeddings(images), self._special, self._concepts) if images else []

    def _embeddings(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return unit vectors of shape (images, 768), computed in halves if all are too many."""
        import torch

        try:
            return self._forward(_pixels(images, self._side))
        except Exception as error:
            classified = classify_error(error, ())
            if classified is error:
                raise
            if not isinstance(classified, OutOfMemory):
                raise classified from None
        # Only here are the frames of the failed call gone, and the memory of its tensors free.
        torch.cuda.empty_cache()
        if len(images) == 1:
            raise OutOfMemory("the safety check does not fit")
        half = len(images) // 2
        return np.concatenate([self._embeddings(images[:half]), self._embeddings(images[half:])])

    def _forward(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), torch.cuda.stream(self._stream):
            images = torch.from_numpy(pixels).to(self._mean.device)
            normal = (images.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._deviation
            pooled = self._model.vision_model(normal.to(self._model.dtype)).pooler_output
            embeddings = torch.nn.functional.normalize(self._model.visual_projection(pooled).float())
            vectors: NDArray[np.float32] = embeddings.cpu().numpy()
        return vectors


def _pixels(images: Sequence[Image.Image], side: int) -> NDArray[np.uint8]:
    """Return the center square of each image, of shape (images, side, side, 3)."""
    return np.stack([np.asarray(_center_square(image, side)) for image in images])


def _center_square(image: Image.Image, side: int) -> Image.Image:
    """Scale and crop as CLIP's image processor: shorter side to `side`, then the center, in one step."""
    shorter = min(image.size)
    width, height = (side * length // shorter for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    across, down = image.width / width, image.height / height
    box = (left * across, top * down, (left + side) * across, (top + side) * down)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return rgb.resize((side, side), Image.Resampling.BICUBIC, box=box)


def _concepts(vectors: torch.Tensor, thresholds: torch.Tensor) -> Concepts:
    import torch

    return Concepts(
        torch.nn.functional.normalize(vectors.detach().float()).cpu().numpy(), thresholds.detach().float().cpu().numpy()
    )


def _no_weights(source: str, reason: str) -> RuntimeError:
    name = Path(source).name if Path(source).is_dir() else source
    return RuntimeError(
        f"the weights of the safety check at {name} {reason}: set GPU_SAFETY_MODEL to a folder or model id that holds"
        " them, or turn the check off with GPU_SAFETY=off"
    )
