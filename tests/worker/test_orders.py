"""What is asked of the painter as JSON, and what of it may be left to the painter."""

import json
from dataclasses import replace

from worker.painter.orders import Order, body_of, within

ORDER = Order("a red fox", seeds=(42,))


def test_how_far_to_go_is_told_with_a_start_picture_alone() -> None:
    order = replace(ORDER, strength=0.35)
    assert "strength" not in json.loads(body_of(order))
    assert json.loads(body_of(replace(order, start=b"x")))["strength"] == 0.35


def test_a_painter_that_cannot_go_so_near_is_left_to_choose_how_far() -> None:
    order = replace(ORDER, start=b"x", strength=0.35, steps=2)
    assert within(order, [("strength", "steps * strength must be at least 1")]) == replace(order, strength=None)
