"""The control of those rules of posting that X changes or never wrote down: summons, wording, duplicates."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from sandbox.control import Body, Here
from sandbox.model import Json

router = APIRouter(prefix="/sandbox", tags=["control"])


class NewManners(Body):
    """Whatever is not named stays. `duplicate_seconds`: 0 lets everything be said again."""

    summon: Literal["on", "off"] = "on"
    wording: Literal["old", "new"] = "new"
    strict_explicit: bool = False
    duplicate_seconds: Annotated[int, Field(ge=0, le=366 * 86_400)] = 86_400


@router.get("/rules")
async def rules(world: Here) -> Json:
    return asdict(world.manners)


@router.post("/rules")
async def set_rules(wanted: NewManners, world: Here) -> Json:
    manners = replace(world.manners, **wanted.model_dump(exclude_unset=True))
    world.save(manners=asdict(manners))
    return asdict(manners)
