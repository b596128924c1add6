"""Loaded diffusers engines around tiny models, and how their pictures are compared. Knows our engine only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.diffusion.engine import DiffusersEngine
from gpu.engine import Key, Painting, Piece

# Rounding differs with the size of a batch; another seed or prompt differs by far more.
TOLERANCE = 2


def loaded(model: Path | str | Any, **given: Any) -> DiffusersEngine:
    """An engine on the CPU whose native size is 64 x 64, ready to paint."""
    import torch

    torch.set_num_threads(1)
    source = str(model) if isinstance(model, Path) else model
    engine = DiffusersEngine(source, **({"device": "cpu", "batch_limit": 4, "max_side": 64} | given))
    engine.load()
    return engine


def text_key(width: int = 64, height: int = 64, *, steps: int = 2, guidance: float = 0.0) -> Key:
    return Key("text", width, height, steps, guidance)


def image_key(width: int = 64, height: int = 64, *, steps: int = 4, strength: float = 0.5) -> Key:
    return Key("image", width, height, steps, 0.0, strength)


def pixels(painting: Painting) -> NDArray[np.int16]:
    return np.asarray(painting.image, np.int16)


def difference(one: Painting, other: Painting) -> int:
    """The largest difference of any channel of any pixel, 0 to 255."""
    return int(np.abs(pixels(one) - pixels(other)).max())


def alone(engine: DiffusersEngine, key: Key, pieces: Sequence[Piece]) -> list[Painting]:
    """Each piece painted by itself: what a batch of them must look like."""
    return [engine.paint(key, [piece])[0] for piece in pieces]
