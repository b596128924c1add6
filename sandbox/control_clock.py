"""The control of time: look at the world's clock, turn it forward, let it run faster or slower."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from sandbox.clock import iso
from sandbox.control import Body, Here
from sandbox.model import Json
from sandbox.world import World

DECADE = 10 * 366 * 86_400
router = APIRouter(prefix="/sandbox", tags=["control"])


class Turn(Body):
    """`advance` in seconds; `scale`: seconds of the world in one second of ours."""

    advance: Annotated[float, Field(ge=0, le=DECADE, allow_inf_nan=False)] = 0
    scale: Annotated[float | None, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = None


@router.get("/clock")
async def clock(world: Here) -> Json:
    return _told(world)


@router.post("/clock")
async def turn(wanted: Turn, world: Here) -> Json:
    """Turned and on disk when this returns; open pages hear of it."""
    world.clock.turn(advance=wanted.advance, scale=wanted.scale)
    world.save(clock=world.clock.fact)
    world.bell.ring()
    return _told(world)


def _told(world: World) -> Json:
    return {"now": iso(world.clock.now_ms()), "scale": world.clock.scale}
