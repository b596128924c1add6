"""Requests as JSON, and parameters that are left to the service."""

import json
from dataclasses import replace

from worker.gpu.messages import GenerateRequest, clamp_to_limits, encode_request

REQUEST = GenerateRequest("a red fox", seeds=(42,))


def test_strength_is_sent_with_an_init_image_only() -> None:
    request = replace(REQUEST, strength=0.35)
    assert "strength" not in json.loads(encode_request(request))
    assert json.loads(encode_request(replace(request, init_image=b"x")))["strength"] == 0.35


def test_a_rejected_strength_is_left_to_the_service() -> None:
    request = replace(REQUEST, init_image=b"x", strength=0.35, steps=2)
    assert clamp_to_limits(request, [("strength", "steps * strength must be at least 1")]) == replace(
        request, strength=None
    )
