"""What an engine is: the types that pass between the web, the engine thread and the painters.

Knows no HTTP, no thread and no model. An engine is used by one thread only (a diffusers pipeline is not
thread-safe: shared by six threads it failed 60 of 60 calls), so its methods need no locks.
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
class Key:
    """What pictures must share to be painted in one call."""

    kind: Kind
    width: int
    height: int
    steps: int
    guidance: float
    strength: float = 1.0


@dataclass(frozen=True)
class Piece:
    """One picture to paint. `start` (RGB, already of the key's size) is set when the key's kind is "image"."""

    prompt: str
    seed: int
    negative_prompt: str = ""
    start: Image | None = None


@dataclass(frozen=True)
class Order:
    """All pieces of one caller; they share a key, and are painted and answered together."""

    key: Key
    pieces: tuple[Piece, ...]
    # Whose turn it is among those who wait. Any word; nothing is read out of it.
    caller: str = ""


@dataclass(frozen=True)
class Truncated:
    """The prompt was longer than the text encoder reads: tokens read, of all there were (their frame not counted)."""

    read: int
    of: int


@dataclass(frozen=True)
class Painting:
    """A finished picture (RGB), and how much of its prompt was read if not all."""

    image: Image
    truncated: Truncated | None = None


@dataclass(frozen=True)
class Failure:
    """A picture that did not come out. `reason` is for the caller, one of the words below: it never quotes a prompt."""

    reason: str


# The decoder returned NaN; the picture alone exceeds the memory; the engine raised; the safety check raised.
NOT_A_NUMBER, MEMORY, FAILED, UNCHECKED = "not_a_number", "memory", "failed", "unchecked"


@dataclass(frozen=True)
class Verdict:
    """What the safety check said of a picture. `embedding`: its unit vector in CLIP's space, float32 of shape (768,)
    with the real weights."""

    flagged: bool
    scores: Mapping[str, float] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Limits:
    """What one engine can paint, in pixels and steps, and what it takes when the caller says nothing."""

    width: int = 512
    height: int = 512
    steps: int = 4
    guidance: float = 0.0
    strength: float = 0.6
    min_side: int = 64
    max_side: int = 1536
    multiple: int = 8
    max_steps: int = 100
    max_guidance: float = 30.0
    # Pictures of width x height in one call; of smaller ones more fit, of larger ones fewer.
    batch: int = 1
    kinds: frozenset[Kind] = frozenset({"text", "image"})
    # A distilled model does not look at a negative prompt; others do where guidance is above this.
    negative_above: float | None = 1.0
    # Some models look at an init image without being told how far to go from it, or were distilled at one guidance.
    strength_counts: bool = True
    guidance_counts: bool = True
    # The sketch paints in no steps.
    steps_count: bool = True


class Engine(Protocol):
    """A painter. `model` and `limits` may be read by any thread once `load` has returned."""

    model: str
    limits: Limits

    def load(self) -> None:
        """Make ready to paint: may take minutes. Any exception means this engine will never paint."""

    def paint(self, key: Key, pieces: Sequence[Piece]) -> Sequence[Painting | Failure]:
        """Paint some pieces, as many as `batches.py` reads from the limits; the results come in the same order.

        A piece that the engine itself knows to have failed is a Failure. Raises EngineBroken when nothing can be
        painted any more, and OutOfMemory when fewer pieces may fit. After any other exception the pieces are painted
        again in halves, so that a piece that raises fails alone.
        """


class Checker(Protocol):
    """A safety check. Loaded by the engine thread, used by one other thread."""

    def load(self) -> None:
        """Make ready: any exception means that nothing is painted, since nothing would be checked."""

    def check(self, images: Sequence[Image]) -> list[Verdict]:
        """One verdict per picture (RGB, of any size), in their order. Raises EngineBroken as an engine does."""


class OutOfMemory(Exception):
    """These pieces do not fit into the device's memory together."""


class EngineBroken(Exception):
    """The engine cannot paint again in this process (a CUDA fault, weights that do not load)."""


class QueueFull(Exception):
    """No room for the order; `retry_after` is a guess in seconds from the recent pace."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"queue full, try again in {retry_after} s")
        self.retry_after = retry_after


class PaintFailed(Exception):
    """No picture of this order came out; details are in the log.

    only_this: other orders of the same batch were painted, so the engine works and this order is the cause.
    """

    def __init__(self, reason: str, *, only_this: bool = False) -> None:
        super().__init__(reason)
        self.only_this = only_this


class NotReady(Exception):
    """The engine is loading, broken or stopped: `status` says which."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status
