"""From a picture's vector in CLIP's space to a verdict, by the concepts of the checker's weights. Pure: numpy only.

The rule is that of `StableDiffusionSafetyChecker.forward` in diffusers, for all pictures and concepts at once: how much
nearer a picture is to a concept than its threshold allows, to three places. Whatever is near one of the three concepts
that ask for special care is judged a hundredth more strictly by all that follow.

What the 17 and 3 concepts are was never published, so they have numbers, no names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.engine import Verdict

Floats = NDArray[np.float32]

SPECIAL_CARE = np.float32(0.01)


@dataclass(frozen=True)
class Concepts:
    """Unit vectors (concepts x width), and the cosine above which a picture is too near: one per vector."""

    vectors: Floats
    thresholds: Floats

    def margins(self, embeddings: Floats) -> Floats:
        """Cosine less threshold: pictures x concepts."""
        return np.asarray(embeddings @ self.vectors.T - self.thresholds, np.float32)


def verdicts(embeddings: Floats, special: Concepts, concepts: Concepts) -> list[Verdict]:
    """One verdict per unit vector (pictures x width). A score above 0 at a `concept_...` is what flags a picture.

    Raises ArithmeticError where a score is not a number: that is above nothing, and would pass for harmless."""
    care = _special_scores(special.margins(embeddings))
    adjustment = SPECIAL_CARE * (care > 0).any(axis=1, keepdims=True)
    scores = np.round(concepts.margins(embeddings) + adjustment, 3)
    if not (np.isfinite(embeddings).all() and np.isfinite(scores).all() and np.isfinite(care).all()):
        raise ArithmeticError("the safety check computed something that is not a number")
    return [
        Verdict(bool((own > 0).any()), _named(special_care=care_scores, concept=own), embedding)
        for own, care_scores, embedding in zip(scores, care, embeddings, strict=True)
    ]


def _special_scores(margins: Floats) -> Floats:
    """The special concepts judge each other, too: the one that is near makes those after it stricter."""
    near = np.round(margins, 3) > 0
    one_before = np.cumsum(near, axis=1) - near > 0
    return np.round(margins + SPECIAL_CARE * one_before, 3)


def _named(**scores: Floats) -> Mapping[str, float]:
    # By way of its text, for 0.012 shall not become 0.01200000010430813.
    return {f"{name}_{number}": float(str(score)) for name, own in scores.items() for number, score in enumerate(own)}
