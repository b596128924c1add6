"""Dresses what the world refuses as X would say it: status, title, type. Knows codes and X's bodies."""

from __future__ import annotations

from sandbox.model import Refused
from sandbox.world import World
from sandbox.x import problems
from sandbox.x.problems import Problem

BAD_MATERIAL = frozenset(("media-ids", "media-type", "media-size", "empty"))


def dressed(refused: Refused, world: World) -> Problem:
    """Bad material is 400 at X, a forbidden deed 403; nobody quoted which one X takes for its daily cap."""
    if refused.code in BAD_MATERIAL:
        return problems.invalid(refused.detail)
    if refused.code == "not-summoned" and world.manners.wording == "new":
        return problems.not_your_conversation(refused.detail)
    if refused.code == "daily-cap" and world.caps.status == 429:
        return problems.too_many(refused.detail)
    return problems.forbidden(refused.detail)
