"""The answer as text: what pydantic would have written, without going through the pictures."""

from __future__ import annotations

import base64
import os

import numpy as np
import pytest
from PIL import Image

from gpu.batching.engine_thread import Outcome
from gpu.engine import Key, Order, Painting, Piece, Truncated, Verdict
from gpu.web.answers import answer_to, as_json
from gpu.web.contract import Cost, PaintAnswer
from gpu.web.orders import Plan

HOSTILE = 'a "pictures":[] and "image":null \\" \n\x00 ä 🎨'


def answer(verdicts, **given):
    """The answer to an order of as many pictures as there are verdicts, by a model with an awkward name."""
    pieces = tuple(Piece("a lake", seed) for seed in range(len(verdicts)))
    plan = Plan(Order(Key("text", 8, 8, 4, 0.5), pieces), **given)
    paintings = [Painting(Image.new("RGB", (8, 8)), Truncated(3, 5)) for _ in pieces]
    outcome = Outcome(paintings, list(verdicts), 0.1, 0.2, 0.3, 0.4, 0.5, 4)
    cost = Cost(card=HOSTILE, usd_per_second=0.1)
    return answer_to(plan, outcome, model=HOSTILE, mime="image/png", encoding=0.6, cost=cost)


@pytest.mark.parametrize(
    "images", [[None], [b"QUJD"], [b""], [b"QUJD", None, b"REVG"], [base64.b64encode(os.urandom(99))] * 4]
)
def test_it_says_the_same_as_the_contracts_types(images):
    whole = answer([Verdict(True, {'"image":null': 0.5})] * len(images), ignored=("strength",))
    told = PaintAnswer.model_validate_json(as_json(whole, images))
    assert [picture.image for picture in told.pictures] == [
        None if image is None else image.decode() for image in images
    ]
    bare = [picture.model_copy(update={"image": None}) for picture in told.pictures]
    assert told.model_copy(update={"pictures": bare}) == whole


def test_a_vector_comes_back_as_the_very_same_floats():
    vector = np.random.default_rng(1).normal(0, 0.04, 768).astype(np.float32)
    whole = answer([Verdict(False, {}, vector)], embedding=True)
    told = PaintAnswer.model_validate_json(as_json(whole, [b"QUJD"]))
    assert np.array_equal(np.array(told.pictures[0].embedding, np.float32), vector)
    assert len(as_json(whole, [None])) < 768 * 16


def test_a_vector_that_nobody_asked_for_is_not_sent():
    assert answer([Verdict(False, {}, np.ones(3, np.float32))]).pictures[0].embedding is None


def test_no_check_and_no_finding_are_told_apart():
    unchecked, fine = answer([None, Verdict(False, {"concept_0": -0.1})]).pictures
    assert (unchecked.safety.checked, fine.safety.checked) == (False, True)
    assert not unchecked.safety.flagged and not unchecked.safety.scores
