"""The safety check of Stable Diffusion: CLIP's picture tower, and the concepts a picture should not come near.

Knows torch and diffusers, which are imported when it loads; knows no engine and no HTTP. Weights are those of
`StableDiffusionSafetyChecker` (CLIP ViT-L/14 and 20 vectors), but not its way of using them: that one waits for the
device twenty times a picture and paints black over what it flags. Here a batch is one forward pass and one copy back.

It was made to find sexual content and finds nothing else (Rando et al. 2022, arXiv 2210.04610): the words of a prompt
want a look of their own, before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.diffusion.faults import sorted_fault
from gpu.engine import OutOfMemory, Verdict
from gpu.safety.scores import Concepts, verdicts

log = logging.getLogger("gpu")

# What CLIP's pictures were centred by and divided by, per channel (RGB, 0 to 1).
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class ClipChecker:
    """A Checker around the weights at `source`: a folder, a pipeline's folder with a `safety_checker` in it, or a model
    id from the cache or the hub, at a `revision` of it. `device`: cuda, mps or cpu; None is the best there is."""

    def __init__(self, source: str, *, device: str | None = None, revision: str | None = None) -> None:
        self._source, self._revision = source, revision
        self._device = device

    def load(self) -> None:
        """Load the weights; raises RuntimeError naming the settings if they are not there, or not all of them."""
        import torch

        device = self._device or _best_device()
        model = self._weights().eval()
        self._side = int(model.config.vision_config.image_size)
        self._special = _concepts(model.special_care_embeds, model.special_care_embeds_weights)
        self._concepts = _concepts(model.concept_embeds, model.concept_embeds_weights)
        # Half the time and memory where there is hardware for it; the concepts stay as exact as they came.
        self._model = model.to(device, torch.float16 if device == "cuda" else torch.float32)
        self._mean, self._deviation = (torch.tensor(v, device=device).view(3, 1, 1) for v in (_MEAN, _DEVIATION))
        # Its own stream: the engine paints the next batch meanwhile, and neither waits for the other.
        streams: Any = torch.cuda
        self._stream = streams.Stream(device) if device == "cuda" else None
        # The first pass takes a device several times as long as any other, and shows that it works at all.
        self.check([Image.new("RGB", (self._side, self._side))])
        log.info("safety check ready device=%s", device)

    def _weights(self) -> Any:
        import torch
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

        folder = Path(self._source)
        inside = {"subfolder": "safety_checker"} if (folder / "safety_checker").is_dir() else {}
        where = {"local_files_only": True} if folder.is_dir() else {"revision": self._revision}
        kind: Any = StableDiffusionSafetyChecker
        try:
            model, found = kind.from_pretrained(
                self._source, dtype=torch.float32, output_loading_info=True, **where, **inside
            )
        except Exception as error:
            raise _no_weights(self._source, "cannot be loaded") from error
        # What a file does not hold is made up at random by the library, with no more than a line in the log.
        if lacking := [*found["missing_keys"], *found["mismatched_keys"]]:
            raise _no_weights(self._source, f"lack {len(lacking)} of their parts")
        return model

    def check(self, images: Sequence[Image.Image]) -> list[Verdict]:
        """One verdict per picture (RGB, any size), in their order, by one forward pass for all that fit.

        Raises EngineBroken when the device failed, and OutOfMemory when not even one picture fits.
        """
        return verdicts(self._embeddings(images), self._special, self._concepts) if images else []

    def _embeddings(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Unit vectors, pictures x 768; in halves where all are too many."""
        import torch

        try:
            return self._forward(_pixels(images, self._side))
        except Exception as error:
            fault = sorted_fault(error, ())
            if fault is error:
                raise
            if not isinstance(fault, OutOfMemory):
                raise fault from None
        # Only here are the frames of the failed call gone, and with them the memory that its tensors held.
        torch.cuda.empty_cache()
        if len(images) == 1:
            raise OutOfMemory("the safety check does not fit")
        half = len(images) // 2
        return np.concatenate([self._embeddings(images[:half]), self._embeddings(images[half:])])

    def _forward(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), torch.cuda.stream(self._stream):
            given = torch.from_numpy(pixels).to(self._mean.device)
            normal = (given.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._deviation
            pooled = self._model.vision_model(normal.to(self._model.dtype)).pooler_output
            embeddings = torch.nn.functional.normalize(self._model.visual_projection(pooled).float())
            found: NDArray[np.float32] = embeddings.cpu().numpy()
        return found


def _pixels(images: Sequence[Image.Image], side: int) -> NDArray[np.uint8]:
    """What CLIP sees: the middle square of each picture, side x side; of shape (pictures, side, side, 3)."""
    return np.stack([np.asarray(_middle_square(image, side)) for image in images])


def _middle_square(image: Image.Image, side: int) -> Image.Image:
    """As the image processor of CLIP: shorter side to `side`, then the middle; what it cuts off is not scaled here."""
    shorter = min(image.size)
    width, height = (side * length // shorter for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    across, down = image.width / width, image.height / height
    box = (left * across, top * down, (left + side) * across, (top + side) * down)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return rgb.resize((side, side), Image.Resampling.BICUBIC, box=box)


def _concepts(vectors: Any, thresholds: Any) -> Concepts:
    import torch

    return Concepts(
        torch.nn.functional.normalize(vectors.detach().float()).cpu().numpy(), thresholds.detach().float().cpu().numpy()
    )


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _no_weights(source: str, reason: str) -> RuntimeError:
    name = Path(source).name if Path(source).is_dir() else source
    return RuntimeError(
        f"the weights of the safety check at {name} {reason}: set GPU_SAFETY_MODEL to a folder or model id that holds"
        " them, or paint unchecked with GPU_SAFETY=off"
    )
