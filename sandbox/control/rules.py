"""Show and set the posting rules that X changes or does not document."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from sandbox.control.posts import Body
from sandbox.dependencies import WorldDep
from sandbox.model import Json

router = APIRouter(prefix="/sandbox", tags=["control"])


class NewPostingRules(Body):
    """New rules; omitted ones stay. `duplicate_seconds`: 0 allows duplicates."""

    summon: Literal["on", "off"] = "on"
    wording: Literal["old", "new"] = "new"
    strict_explicit: bool = False
    duplicate_seconds: Annotated[int, Field(ge=0, le=366 * 86_400)] = 86_400


@router.get("/rules")
async def rules(world: WorldDep) -> Json:
    return asdict(world.posting_rules)


@router.post("/rules")
async def set_rules(body: NewPostingRules, world: WorldDep) -> Json:
    rules = replace(world.posting_rules, **body.model_dump(exclude_unset=True))
    world.save(posting_rules=asdict(rules))
    return asdict(rules)
