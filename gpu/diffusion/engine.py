"""Paints with a diffusers pipeline: any folder or model id that AutoPipeline can load.

Knows torch and diffusers, which are imported when it loads; knows no queue and no HTTP.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu.engine import EngineBroken, Key, Limits, Painting, Piece

log = logging.getLogger("gpu")


@dataclass(frozen=True)
class Manners:
    """How a family of models wants to be asked when the caller says nothing."""

    steps: int
    guidance: float


# First match of a fragment in the lower-case model name. Distilled models learnt their guidance: asking for
# more doubles the work and spoils the picture.
_MANNERS = (
    ("lightning", Manners(steps=4, guidance=0.0)),
    ("turbo", Manners(steps=4, guidance=0.0)),
    ("schnell", Manners(steps=4, guidance=0.0)),
    ("klein", Manners(steps=4, guidance=1.0)),
    ("lcm", Manners(steps=4, guidance=1.0)),
)
_PLAIN_MANNERS = Manners(steps=25, guidance=7.0)


def manners_of(model: str) -> Manners:
    name = model.lower()
    return next((manners for fragment, manners in _MANNERS if fragment in name), _PLAIN_MANNERS)


class DiffusersEngine:
    """An Engine around one text-to-image pipeline and its image-to-image sister, which shares the weights."""

    def __init__(self, model: str, *, device: str | None = None, batch_limit: int = 8, max_side: int = 1024) -> None:
        self._source = model
        self._device = device
        self._batch_limit = batch_limit
        self._max_side = max_side
        # A folder on disk is named by its last part: its path is nobody's business.
        self.model = Path(model).name if Path(model).is_dir() else model
        self.limits = Limits(batch=batch_limit, max_side=max_side)

    def load(self) -> None:
        """Load the weights onto the device; raises whatever diffusers raises when they are not there."""
        import diffusers
        import torch

        _keep_prompts_out_of_logs()
        device = self._device or best_device()
        folder = Path(self._source).is_dir()
        factory: Any = diffusers.AutoPipelineForText2Image
        text = factory.from_pretrained(
            self._source, dtype=torch.float32 if device == "cpu" else torch.float16, local_files_only=folder
        ).to(device)
        image = diffusers.AutoPipelineForImage2Image.from_pipe(
            text, scheduler=type(text.scheduler).from_config(text.scheduler.config)
        )
        for pipeline in (text, image):
            pipeline.set_progress_bar_config(disable=True)
        self._pipelines = {"text": text, "image": image}
        self.limits = self._limits_of(text)
        log.info("loaded model=%s pipeline=%s device=%s", self.model, type(text).__name__, device)

    def _limits_of(self, pipeline: Any) -> Limits:
        manners = manners_of(self._source)
        side = min(native_side(pipeline), self._max_side)
        return Limits(
            width=side,
            height=side,
            steps=manners.steps,
            guidance=manners.guidance,
            max_side=self._max_side,
            # A transformer packs latents two by two.
            multiple=8 if hasattr(pipeline, "unet") else 16,
            batch=self._batch_limit,
        )

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting]:
        """One pipeline call for all pieces; each has its own generator, so its seed means the same anywhere."""
        import torch

        try:
            result = self._pipelines[key.kind](**self._call(key, pieces))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise
        except torch.AcceleratorError as error:
            raise EngineBroken("the accelerator failed") from error
        return [Painting(image.convert("RGB")) for image in result.images]

    def _call(self, key: Key, pieces: Sequence[Piece]) -> dict[str, Any]:
        import torch

        call: dict[str, Any] = {
            "prompt": [piece.prompt for piece in pieces],
            "num_inference_steps": key.steps,
            "guidance_scale": key.guidance,
            # Drawn on the CPU, the noise of a seed is the same on every device.
            "generator": [torch.Generator("cpu").manual_seed(piece.seed) for piece in pieces],
        }
        accepted = inspect.signature(self._pipelines[key.kind].__call__).parameters
        if key.guidance > 1 and "negative_prompt" in accepted:
            call["negative_prompt"] = [piece.negative_prompt for piece in pieces]
        if key.kind == "image":
            call |= {"image": [piece.start for piece in pieces], "strength": key.strength}
        size = {"width": key.width, "height": key.height}
        return call | {name: side for name, side in size.items() if name in accepted}


def best_device() -> str:
    """cuda, mps or cpu: the fastest that this machine has."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def native_side(pipeline: Any) -> int:
    """The side in pixels that the model was trained at, 1024 if it does not say."""
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latent = getattr(getattr(network, "config", None), "sample_size", None)
    scale = getattr(pipeline, "vae_scale_factor", 8)
    return int(latent * scale) if isinstance(latent, int) else 1024


def _keep_prompts_out_of_logs() -> None:
    """A prompt longer than the text encoder reads is logged by diffusers as a warning, with its words."""
    for library in ("diffusers", "transformers"):
        importlib.import_module(f"{library}.utils.logging").set_verbosity_error()
