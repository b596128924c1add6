"""FastAPI dependencies: the world and the dispatcher of the app."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from sandbox.world import World
from sandbox.x.dispatcher import CallDispatcher


def get_world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def get_dispatcher(request: Request) -> CallDispatcher:
    dispatcher: CallDispatcher = request.app.state.dispatcher
    return dispatcher


WorldDep = Annotated[World, Depends(get_world)]
DispatcherDep = Annotated[CallDispatcher, Depends(get_dispatcher)]
