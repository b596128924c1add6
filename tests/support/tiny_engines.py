"""Diffusers engines with tiny models, and comparisons of their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.diffusion.engine import DiffusersEngine
from gpu.engine import BatchKey, GeneratedImage, ImageRequest, Result

# Rounding differs with the size of a batch; another seed or prompt differs by far more.
TOLERANCE = 2


def loaded(model: Path | str | Any, **options: Any) -> DiffusersEngine:
    """Return a loaded engine on the CPU with a native size of 64 x 64."""
    import torch

    torch.set_num_threads(1)
    source = str(model) if isinstance(model, Path) else model
    engine = DiffusersEngine(source, **{"device": "cpu", "batch_limit": 4, "max_side": 64, **options})
    engine.load()
    return engine


def load_without_img2img(*given: Any, **more: Any) -> Any:
    """Load a pipeline of a family that has no image-to-image pipeline (`load_pipeline` of `loaded`)."""
    from gpu.diffusion.loading import load_text_pipeline

    pipeline = load_text_pipeline(*given, **more)
    pipeline.__class__ = type("LonelyPipeline", (type(pipeline),), {})
    return pipeline


def text_key(width: int = 64, height: int = 64, *, steps: int = 2, guidance: float = 0.0) -> BatchKey:
    return BatchKey("text", width, height, steps, guidance)


def image_key(width: int = 64, height: int = 64, *, steps: int = 4, strength: float = 0.5) -> BatchKey:
    return BatchKey("image", width, height, steps, 0.0, strength)


def image_of(result: Result) -> Image.Image:
    assert isinstance(result, GeneratedImage)
    return result.image


def pixels(result: Result) -> NDArray[np.int16]:
    return np.asarray(image_of(result), np.int16)


def difference(one: Result, other: Result) -> int:
    """Return the largest difference of any channel of any pixel, 0 to 255."""
    return int(np.abs(pixels(one) - pixels(other)).max())


def alone(engine: DiffusersEngine, key: BatchKey, images: Sequence[ImageRequest]) -> list[Result]:
    """Generate each image by itself, to compare with a batch."""
    return [engine.generate(key, [piece])[0] for piece in images]
