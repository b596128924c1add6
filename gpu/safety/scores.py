"""Turn an image's CLIP vector into a safety result.

The rule is that of `StableDiffusionSafetyChecker.forward` in diffusers, for all images and concepts at once: how much
closer an image is to a concept than its threshold allows, rounded to three places. If an image is near one of the three
special-care concepts, all later thresholds are stricter by 0.01.

The meaning of the 17 and 3 concepts was never published, so they have numbers instead of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.engine import SafetyResult

Floats = NDArray[np.float32]

SPECIAL_CARE = np.float32(0.01)


@dataclass(frozen=True)
class Concepts:
    """Unit vectors of shape (concepts, width), and one cosine per vector above which an image is too near."""

    vectors: Floats
    thresholds: Floats

    def margins(self, embeddings: Floats) -> Floats:
        """Return cosine minus threshold, of shape (images, concepts)."""
        return np.asarray(embeddings @ self.vectors.T - self.thresholds, np.float32)


def to_safety_results(embeddings: Floats, special: Concepts, concepts: Concepts) -> list[SafetyResult]:
    """Return one result per unit vector (images, width). A `concept_...` score above 0 flags an image.

    Raises ArithmeticError if a score is NaN, which would otherwise pass as harmless.
    """
    care = _special_scores(special.margins(embeddings))
    adjustment = SPECIAL_CARE * (care > 0).any(axis=1, keepdims=True)
    scores = np.round(concepts.margins(embeddings) + adjustment, 3)
    if not (np.isfinite(embeddings).all() and np.isfinite(scores).all() and np.isfinite(care).all()):
        raise ArithmeticError("the safety check computed something that is not a number")
    return [
        SafetyResult(bool((own > 0).any()), _named(special_care=care_scores, concept=own), embedding)
        for own, care_scores, embedding in zip(scores, care, embeddings, strict=True)
    ]


def _special_scores(margins: Floats) -> Floats:
    """Return the special-care scores: one that is near makes those after it stricter."""
    near = np.round(margins, 3) > 0
    any_before = np.cumsum(near, axis=1) - near > 0
    return np.round(margins + SPECIAL_CARE * any_before, 3)


def _named(**scores: Floats) -> Mapping[str, float]:
    # Through text, so that 0.012 does not become 0.01200000010430813.
    return {f"{name}_{number}": float(str(score)) for name, own in scores.items() for number, score in enumerate(own)}
