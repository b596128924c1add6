"""Map an error of the world to X's error response."""

from __future__ import annotations

from sandbox.model import RuleViolation
from sandbox.world import World
from sandbox.x import problems
from sandbox.x.problems import Problem

INVALID_CONTENT = frozenset(("media-ids", "media-type", "media-size", "empty"))


def to_problem(refused: RuleViolation, world: World) -> Problem:
    """Map invalid content to 400, forbidden actions to 403, and the daily cap to the configured status."""
    if refused.code in INVALID_CONTENT:
        return problems.invalid(refused.detail)
    if refused.code == "not-summoned" and world.posting_rules.wording == "new":
        return problems.not_your_conversation(refused.detail)
    if refused.code == "daily-cap" and world.caps.status == 429:
        return problems.too_many_requests(refused.detail)
    return problems.forbidden(refused.detail)
