"""Finds whom and what an address of this area names: a creation that hangs, a person. Knows no page."""

from functools import partial

from fastapi import HTTPException, Request

from gallery import queries
from gallery.house import house_of
from gallery.numbers import number_in
from gallery.shown import CreationShown, PersonShown


async def creation_named(request: Request) -> CreationShown:
    """The creation of the address, which hangs. Raises HTTPException: 404, 410 where it is deleted."""
    creation_id = number_in(str(request.path_params["creation_id"]))
    shown = await queries.ask(house_of(request).engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None or not (shown.shown_at or shown.deleted_at):
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    return shown


async def person_named(request: Request) -> PersonShown:
    """The person whose handle is in the address. Raises HTTPException 404."""
    handle = str(request.path_params["handle"])
    who = await queries.ask(house_of(request).engine, partial(queries.person_called, handle=handle))
    if who is None:
        raise HTTPException(404)
    return who
