"""Show, advance and scale the world's clock."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from sandbox.clock import iso
from sandbox.control.posts import Body
from sandbox.dependencies import WorldDep
from sandbox.model import Json
from sandbox.world import World

DECADE = 10 * 366 * 86_400
router = APIRouter(prefix="/sandbox", tags=["control"])


class ClockChange(Body):
    """`advance` in seconds; `scale`: seconds of the world per real second."""

    advance: Annotated[float, Field(ge=0, le=DECADE, allow_inf_nan=False)] = 0
    scale: Annotated[float | None, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = None


@router.get("/clock")
async def clock(world: WorldDep) -> Json:
    return _summary(world)


@router.post("/clock")
async def change_clock(body: ClockChange, world: WorldDep) -> Json:
    """Change the clock, store it and refresh open pages."""
    world.clock.adjust(advance=body.advance, scale=body.scale)
    world.save(clock=world.clock.state)
    world.changes.notify()
    return _summary(world)


def _summary(world: World) -> Json:
    return {"now": iso(world.clock.now_ms()), "scale": world.clock.scale}
