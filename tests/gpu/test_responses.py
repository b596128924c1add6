"""Responses as JSON: equal to pydantic's, without parsing the pictures."""

from __future__ import annotations

import base64
import os
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.api.contract import Cost, PaintResponse
from gpu.api.responses import build_response, to_json
from gpu.api.validation import ValidatedRequest
from gpu.batching.engine_thread import Outcome
from gpu.engine import BatchKey, GeneratedImage, GenerationRequest, ImageRequest, Result, SafetyResult, Truncation

HOSTILE = 'a "pictures":[] and "image":null \\" \n\x00 ä 🎨'


def answer(safety_results: Any, **given: Any) -> Any:
    """Return a response with one picture per safety result, of a model with an awkward name."""
    images = tuple(ImageRequest("a lake", seed) for seed in range(len(safety_results)))
    validated = ValidatedRequest(GenerationRequest(BatchKey("text", 8, 8, 4, 0.5), images), **given)
    results: list[Result] = [GeneratedImage(Image.new("RGB", (8, 8)), Truncation(3, 5)) for _ in images]
    outcome = Outcome(results, list(safety_results), 0.1, 0.2, 0.3, 0.4, 0.5, 4)
    cost = Cost(card=HOSTILE, usd_per_second=0.1)
    return build_response(validated, outcome, model=HOSTILE, mime="image/png", encoding_seconds=0.6, cost=cost)


@pytest.mark.parametrize(
    "images", [[None], [b"QUJD"], [b""], [b"QUJD", None, b"REVG"], [base64.b64encode(os.urandom(99))] * 4]
)
def test_response_text_equals_pydantics(images: Any) -> None:
    whole = answer([SafetyResult(True, {'"image":null': 0.5})] * len(images), ignored=("strength",))
    parsed = PaintResponse.model_validate_json(to_json(whole, images))
    assert [picture.image for picture in parsed.pictures] == [
        None if image is None else image.decode() for image in images
    ]
    bare = [picture.model_copy(update={"image": None}) for picture in parsed.pictures]
    assert parsed.model_copy(update={"pictures": bare}) == whole


def test_embedding_floats_survive_the_json() -> None:
    vector = np.random.default_rng(1).normal(0, 0.04, 768).astype(np.float32)
    whole = answer([SafetyResult(False, {}, vector)], wants_embedding=True)
    parsed = PaintResponse.model_validate_json(to_json(whole, [b"QUJD"]))
    assert np.array_equal(np.array(parsed.pictures[0].embedding, np.float32), vector)
    assert len(to_json(whole, [None])) < 768 * 16


def test_embedding_is_not_sent_unless_requested() -> None:
    assert answer([SafetyResult(False, {}, np.ones(3, np.float32))]).pictures[0].embedding is None


def test_unchecked_and_unflagged_pictures_differ() -> None:
    unchecked, fine = answer([None, SafetyResult(False, {"concept_0": -0.1})]).pictures
    assert (unchecked.safety.checked, fine.safety.checked) == (False, True)
    assert not unchecked.safety.flagged and not unchecked.safety.scores
