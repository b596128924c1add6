"""The engine interface: the types that pass between the API, the engine thread and the engines.

One thread owns an engine, so its methods need no locks. (A diffusers pipeline is not thread-safe: shared by six threads
it failed 60 of 60 calls.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

Kind = Literal["text", "image"]


@dataclass(frozen=True)
class BatchKey:
    """The parameters that images must share to be generated in one call. Sides are in pixels."""

    kind: Kind
    width: int
    height: int
    steps: int
    guidance: float
    strength: float = 1.0


@dataclass(frozen=True)
class ImageRequest:
    """One image to generate. `init_image` (RGB, already of the key's size) is set if the key's kind is "image"."""

    prompt: str
    seed: int
    negative_prompt: str = ""
    init_image: Image | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """All images of one call. They share a key, and are generated and answered together."""

    key: BatchKey
    images: tuple[ImageRequest, ...]


@dataclass(frozen=True)
class Truncation:
    """A prompt longer than the text encoder reads, in tokens without the start and end tokens."""

    used: int
    total: int


@dataclass(frozen=True)
class GeneratedImage:
    """A finished image (RGB), and its `truncation` if the model did not read the whole prompt."""

    image: Image
    truncation: Truncation | None = None


@dataclass(frozen=True)
class Failure:
    """An image that failed. `reason` is one of the codes below and never quotes a prompt."""

    reason: str


Result = GeneratedImage | Failure

# The decoder returned NaN; the image alone exceeds the memory; the engine raised; the safety check raised.
NOT_A_NUMBER, MEMORY, FAILED, UNCHECKED = "not_a_number", "memory", "failed", "unchecked"


@dataclass(frozen=True)
class SafetyResult:
    """The safety check's result for one image.

    `embedding` is the image's unit vector in CLIP's space: float32, of shape (768,) with the real weights.
    """

    flagged: bool
    scores: Mapping[str, float] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TextVector:
    """A text's unit vector in CLIP's space (float32), and its `truncation` if CLIP did not read the whole text."""

    vector: NDArray[np.float32]
    truncation: Truncation | None = None


@dataclass(frozen=True)
class EngineLimits:
    """An engine's bounds, and its defaults for absent parameters. Sides are in pixels."""

    width: int = 512
    height: int = 512
    steps: int = 4
    guidance: float = 0.0
    strength: float = 0.6
    min_side: int = 64
    max_side: int = 1536
    multiple: int = 8
    max_steps: int = 100
    min_guidance: float = 0.0
    max_guidance: float = 30.0
    # Images of width x height in one call. More fit if they are smaller, fewer if they are larger.
    batch: int = 1
    kinds: frozenset[Kind] = frozenset({"text", "image"})
    # Negative prompts work above this guidance. None: never, as in distilled models.
    negative_prompt_min_guidance: float | None = 1.0
    # Some models use an init image as a reference, without strength; some were distilled at one guidance.
    supports_strength: bool = True
    supports_guidance: bool = True
    # The sketch engine has no steps.
    supports_steps: bool = True


class Engine(Protocol):
    """An image generator. Any thread may read `model` and `limits` once `load` has returned."""

    model: str
    limits: EngineLimits

    def load(self) -> None:
        """Get ready to generate, which may take minutes. Any exception means that this engine is unusable."""

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> Sequence[Result]:
        """Return one result per request, in the same order.

        `batch_size.py` derives the number of requests from the limits. An image that the engine itself knows to have
        failed is a Failure.

        Raises:
            EngineBroken: no later call can succeed.
            OutOfMemory: fewer images may fit.
            Exception: the caller retries in halves, until the image that raises is alone.
        """


class SafetyChecker(Protocol):
    """A safety check. The engine thread loads it, and one other thread uses it."""

    def load(self) -> None:
        """Get ready to check. Any exception stops the service: without a check it must not generate."""

    def check(self, images: Sequence[Image]) -> list[SafetyResult]:
        """Return one result per image (RGB, of any size), in their order. Raises EngineBroken as an engine does."""


class TextEncoder(Protocol):
    """Computes text embeddings in the space of the safety check's picture embeddings.

    The engine thread loads it, and one other thread uses it. `problem` says why it cannot be used; empty if it can.
    """

    model: str
    problem: str

    def load(self) -> None:
        """Get ready to embed, or set `problem`. Pictures do not need it, so it raises nothing."""

    def embed(self, texts: Sequence[str]) -> list[TextVector]:
        """Return one vector per text, in their order. Raises EngineBroken and OutOfMemory as an engine does."""


class OutOfMemory(Exception):
    """The images together do not fit into the device's memory."""


class EngineBroken(Exception):
    """The engine cannot generate again in this process (a CUDA fault, weights that do not load)."""


class QueueFull(Exception):
    """The queue has no room. `retry_after` is an estimate in seconds from the recent pace."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"queue full, try again in {retry_after} s")
        self.retry_after = retry_after


class GenerationFailed(Exception):
    """All images of a request failed; the log has the details.

    only_this: other requests of the same batch succeeded, so the engine works and this request is the cause.
    """

    def __init__(self, reason: str, *, only_this: bool = False) -> None:
        super().__init__(reason)
        self.only_this = only_this


class NotReady(Exception):
    """The engine cannot take requests; `status` is "new", "loading", "broken" or "stopped"."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class NoEmbeddings(Exception):
    """The service computes no text embeddings; the text says why."""
